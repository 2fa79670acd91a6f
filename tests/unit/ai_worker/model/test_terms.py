"""What a model costs and how often it may be asked: the operator's word first, then the table, else nobody knows."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ai_worker.model.terms import TABLE, PerMinute, Price, Terms, read_prices
from ai_worker.words import ModelChoice
from aiox.kernel.outcome import Usage
from aiox.runtime.settings import ModelTerms
from setup.prices import prices_of, written

TABLED = {"openai/gpt-4o": Price(2.5, 10.0)}
GPT = ModelChoice("openai", "gpt-4o")


def test_a_million_tokens_cost_what_the_table_says() -> None:
    assert Price(2.5, 10.0).nanousd(Usage(1_000_000, 0)) == 2_500_000_000
    assert Price(2.5, 10.0).nanousd(Usage(0, 1_000_000)) == 10_000_000_000
    assert Price(0.15, 0.6).nanousd(Usage(3, 2)) == 1650


def test_the_table_of_the_package_is_whole_and_knows_models_of_several_providers() -> None:
    prices = read_prices()
    assert len(prices) > 100
    assert {name.split("/")[0] for name in prices} >= {"openai", "anthropic", "mistral", "gemini"}
    assert all(price.input_usd > 0 and price.output_usd > 0 for name, price in prices.items() if ":free" not in name)
    assert "MIT licence" in json.loads(TABLE.read_text())["source"]


@pytest.mark.parametrize(
    ("choice", "price"),
    [
        (GPT, Price(2.5, 10.0)),
        (ModelChoice("openai", "gpt-4o", "https://api.openai.com/v1/"), Price(2.5, 10.0)),
        (ModelChoice("openai", "gpt-4o", "https://elsewhere.example/v1"), None),
        (ModelChoice("openai", "unheard-of"), None),
        (ModelChoice("ollama", "gpt-4o"), None),
    ],
)
def test_a_price_holds_at_the_providers_own_endpoint_only(choice: ModelChoice, price: Price | None) -> None:
    assert Terms((), TABLED).price(choice) == price


def test_the_operators_word_comes_first_and_in_order() -> None:
    own = (
        ModelTerms(match="openai/gpt-*", requests_per_minute=3),
        ModelTerms(match="openai/gpt-4o", input_usd=1, output_usd=2, requests_per_minute=5, tokens_per_minute=7),
        ModelTerms(match="*", input_usd=0, output_usd=0, tokens_per_minute=9),
    )
    terms = Terms(own, TABLED)
    assert terms.price(GPT) == Price(1.0, 2.0)
    assert terms.per_minute(GPT) == PerMinute(3, 7)
    assert terms.price(ModelChoice("ollama", "qwen")) == Price(0.0, 0.0)
    assert terms.per_minute(ModelChoice("ollama", "qwen")) == PerMinute(None, 9)


def test_half_a_price_is_refused() -> None:
    with pytest.raises(ValidationError):
        ModelTerms(match="*", input_usd=1)


def test_the_table_is_made_of_chat_models_with_a_price() -> None:
    known = {
        "gpt": {
            "litellm_provider": "openai",
            "mode": "chat",
            "input_cost_per_token": 1e-6,
            "output_cost_per_token": 2e-6,
        },
        "groq/llama": {
            "litellm_provider": "groq",
            "mode": "chat",
            "input_cost_per_token": 5e-8,
            "output_cost_per_token": 8e-8,
        },
        "no-price": {"litellm_provider": "openai", "mode": "chat"},
        "zero": {
            "litellm_provider": "openai",
            "mode": "chat",
            "input_cost_per_token": 0.0,
            "output_cost_per_token": 0.0,
        },
        "ada": {"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 1e-6},
        "other": {"litellm_provider": "nobody", "mode": "chat", "input_cost_per_token": 1, "output_cost_per_token": 1},
    }
    prices = prices_of(known)
    assert prices == {"openai/gpt": (1.0, 2.0), "groq/llama": (0.05, 0.08)}
    table = json.loads(written(prices, "a source"))
    assert table == {"source": "a source", "usd_per_million_tokens": {"openai/gpt": [1, 2], "groq/llama": [0.05, 0.08]}}
