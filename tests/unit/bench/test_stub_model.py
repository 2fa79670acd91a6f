"""The stub speaks what an OpenAI client expects, and does what it was told."""

from __future__ import annotations

import json
import time
from typing import Any

import aiohttp

from bench.stub_model import Scripted, stub_model

QUESTION = {"model": "stub", "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]}


async def ask(url: str, **more: Any) -> tuple[int, dict[str, str], str]:
    headers = {"Authorization": "Bearer k"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/chat/completions", json=QUESTION | more, headers=headers) as response,
    ):
        return response.status, dict(response.headers), await response.text()


async def test_scripted_answers_come_in_order_and_then_the_question_is_echoed() -> None:
    async with stub_model("one", "two") as stub:
        texts = [json.loads((await ask(stub.url))[2])["choices"][0]["message"]["content"] for _ in range(3)]
    assert texts == ["one", "two", "echo: hi"]
    assert (stub.count, stub.keys) == (3, ["k", "k", "k"])
    assert stub.asked[0] == QUESTION


async def test_usage_counts_words_and_can_be_left_out() -> None:
    async with stub_model("two words", Scripted("none", usage=False)) as stub:
        first = json.loads((await ask(stub.url))[2])
        second = json.loads((await ask(stub.url))[2])
    assert first["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert "usage" not in second


async def test_failures_carry_status_and_retry_after() -> None:
    async with stub_model(Scripted("slow down", status=429, retry_after="2")) as stub:
        status, headers, text = await ask(stub.url)
    assert (status, headers["Retry-After"]) == (429, "2")
    assert json.loads(text)["error"]["message"] == "slow down"


async def test_streams_in_words_and_ends_with_usage_and_done() -> None:
    async with stub_model("a b c") as stub:
        _, _, text = await ask(stub.url, stream=True, stream_options={"include_usage": True})
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    chunks = [json.loads(line) for line in lines[:-1]]
    assert lines[-1] == "[DONE]"
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1]) == "a b c"
    assert chunks[-1]["usage"]["completion_tokens"] == 3


async def test_latency_is_waited_before_the_answer() -> None:
    async with stub_model("late", latency_ms=60) as stub:
        started = time.monotonic()
        await ask(stub.url)
    assert time.monotonic() - started >= 0.06


async def test_lists_its_model_on_loopback() -> None:
    async with (
        stub_model() as stub,
        aiohttp.ClientSession() as session,
        session.get(f"{stub.url}/models") as response,
    ):
        models = await response.json()
    assert stub.url.startswith("http://127.0.0.1:")
    assert [model["id"] for model in models["data"]] == ["stub"]
