"""Every try is counted, priced and shown in the figures, however it ends."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from ai_worker.model.bill import Bill, Billed, Try
from ai_worker.model.metrics import MAX_MODELS, OTHER, ModelMetrics
from ai_worker.model.port import Delta, ModelFailed
from ai_worker.model.terms import Price
from ai_worker.words import Limits, Prompt
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Usage
from aiox.runtime.clock import SystemClock
from tests.unit.ai_worker.minds import Model

PROMPT, LIMITS = Prompt("Ada", "", "Hi"), Limits(2000)
PRICE = Price(1.0, 2.0)


class Figures:
    """A registry that can be asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = ModelMetrics(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {"provider": "p", "model": "scripted", **labels})


@pytest.fixture
def figures() -> Figures:
    return Figures()


def billed(model: Model, bill: Bill, figures: Figures, price: Price | None = PRICE) -> Billed:
    return Billed(model, "p", price, bill, figures.metrics, SystemClock())


async def asked(model: Billed) -> str:
    return "".join([delta.text async for delta in model.complete(PROMPT, LIMITS)])


async def test_an_answer_costs_what_the_provider_counted(figures: Figures) -> None:
    bill = Bill()
    assert await asked(billed(Model(("one ", "two")), bill, figures)) == "one two"
    assert (bill.usage, bill.cost_nanousd, bill.model) == (Usage(7, 3), 7000 + 6000, "scripted")
    assert figures.value("llm_requests_total", outcome="answered") == 1
    assert figures.value("llm_tokens_total", direction="output") == 3
    assert figures.value("llm_cost_usd_total") == pytest.approx(13e-6)
    assert figures.value("aiox_llm_inference_time_count") == 1
    assert figures.value("llm_errors_total", code="TIMEOUT") is None


@pytest.mark.parametrize(
    ("pieces", "code", "usage"),
    [
        ((), ErrorCode.RATE_LIMIT, Usage(0, 0)),
        ((), ErrorCode.AUTH_ERROR, Usage(0, 0)),
        ((), ErrorCode.TIMEOUT, Usage(5, 0)),
        ((), ErrorCode.EMPTY_ANSWER, Usage(5, 0)),
        (("half an ", "answer"), ErrorCode.PROVIDER_ERROR, Usage(5, 5)),
    ],
)
async def test_a_failed_try_costs_what_the_provider_may_have_read_and_said(
    figures: Figures, pieces: tuple[str, ...], code: ErrorCode, usage: Usage
) -> None:
    bill = Bill()
    with pytest.raises(ModelFailed):
        await asked(billed(Model(pieces, error=ModelFailed(code, "no")), bill, figures))
    assert (bill.usage, bill.cost_nanousd) == (usage, PRICE.nanousd(usage))
    assert figures.value("llm_errors_total", code=str(code)) == 1
    assert figures.value("llm_timeout_total") == (1 if code is ErrorCode.TIMEOUT else None)


async def test_a_call_that_is_given_up_costs_its_input_and_what_was_said(figures: Figures) -> None:
    bill = Bill()
    answer = billed(Model(("half",), hangs=True), bill, figures).complete(PROMPT, LIMITS)
    await anext(answer)
    await answer.aclose()
    assert bill.usage == Usage(5, 2)
    assert figures.value("llm_requests_total", outcome="cancelled") == 1
    assert figures.value("llm_errors_total", code="cancelled") is None


async def test_without_a_price_the_cost_is_unknown_and_never_zero(figures: Figures) -> None:
    bill = Bill()
    await asked(billed(Model(), bill, figures))
    await asked(billed(Model(), bill, figures, price=None))
    assert bill.usage == Usage(14, 6)
    assert bill.cost_nanousd is None
    assert figures.value("llm_unpriced_total") == 1


def test_a_try_that_cost_nothing_needs_no_price() -> None:
    refused = Try("p", "m", None, 10)
    refused.failed(ModelFailed(ErrorCode.AUTH_ERROR, "no"))
    bill = Bill([refused, Try("p", "m", PRICE, 10, counted=Usage(10, 0))])
    assert (bill.usage, bill.cost_nanousd) == (Usage(10, 0), 10_000)


def test_a_bill_without_tries_is_zero() -> None:
    assert (Bill().usage, Bill().cost_nanousd, Bill().model) == (Usage(0, 0), 0, "")


def test_pieces_are_counted_as_one_text() -> None:
    spoken = Try("p", "m", PRICE, 0)
    for piece in ("a", "b", "c", "d"):
        spoken.heard(Delta(piece))
    assert spoken.usage == Usage(0, 2)


def test_invented_models_do_not_pile_up_in_the_figures() -> None:
    figures = Figures()
    for number in range(MAX_MODELS + 50):
        figures.metrics.called("p", f"m{number}", "answered", 0.1, Usage(1, 1), 1)
    samples = [one for family in figures.registry.collect() for one in family.samples]
    named = {one.labels["model"] for one in samples if one.name == "llm_requests_total"}
    assert len(named) == MAX_MODELS + 1
    assert (
        figures.registry.get_sample_value(
            "llm_requests_total", {"provider": OTHER, "model": OTHER, "outcome": "answered"}
        )
        == 50
    )
