"""A provider's ways of failing, each over real HTTP, become one exception with one of our codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.port import Delta, ModelFailed
from ai_worker.model.prompt import prompt_tokens
from ai_worker.words import Limits, ModelChoice, Prompt
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Usage
from bench.stub_model import Scripted, stub_model

# litellm reads pydantic attributes in a way that newer pydantic only warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

PROMPT = Prompt("Ada", "Be kind.", "a secret question")
LIMITS = Limits(max_total_tokens=2000, max_output_tokens=77, temperature=0.3, timeout_s=10)
KEY = "sk-never-shown"


def choice(url: str, provider: str = "openai", key: str = KEY) -> ModelChoice:
    return ModelChoice(provider, "stub", url, key)


async def deltas(model: LiteLlm, limits: Limits = LIMITS) -> list[Delta]:
    return [delta async for delta in model.complete(PROMPT, limits)]


async def test_an_answer_streams_with_the_providers_own_usage() -> None:
    async with stub_model("one two three") as stub:
        found = await deltas(LiteLlm(choice(stub.url)))
        assert [delta.text for delta in found] == ["one", " two", " three", ""]
        assert found[-1].usage is not None
        assert found[-1].usage.output_tokens == 3
        (asked,) = stub.asked
        assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("stub", 77, 0.3)
        assert asked["messages"][-1] == {"role": "user", "content": "a secret question"}
        assert stub.keys == [KEY]


async def test_usage_is_estimated_when_the_provider_does_not_count() -> None:
    async with stub_model(Scripted("one two three", usage=False)) as stub:
        usage = (await deltas(LiteLlm(choice(stub.url))))[-1].usage
    assert usage is not None
    # litellm may count with a tokenizer of its own; both ways, something was counted
    assert 0 < usage.input_tokens <= prompt_tokens(PROMPT)
    assert 0 < usage.output_tokens <= 13


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.AUTH_ERROR),
        (403, ErrorCode.AUTH_ERROR),
        (429, ErrorCode.RATE_LIMIT),
        (400, ErrorCode.PROVIDER_ERROR),
        (404, ErrorCode.PROVIDER_ERROR),
        (500, ErrorCode.PROVIDER_ERROR),
        (503, ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_a_refusal_has_its_code_and_quotes_nothing(status: int, code: ErrorCode) -> None:
    async with stub_model(Scripted(f"bad key {KEY} for: a secret question", status=status)) as stub:
        with pytest.raises(ModelFailed) as failed:
            await deltas(LiteLlm(choice(stub.url)))
        assert stub.count == 1
    assert failed.value.code is code
    assert KEY not in str(failed.value)
    assert "secret" not in failed.value.text


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_answer_without_visible_text_is_none(text: str) -> None:
    async with stub_model(text) as stub:
        with pytest.raises(ModelFailed) as failed:
            await deltas(LiteLlm(choice(stub.url)))
    assert failed.value.code is ErrorCode.EMPTY_ANSWER


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def endpoint(handler: Handler) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def chunk(text: str) -> bytes:
    whole = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    choices = [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]
    return f"data: {json.dumps(whole | {'choices': choices})}\n\n".encode()


async def begun(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(chunk("half an "))
    return response


async def test_half_a_stream_fails_after_what_came() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        assert request.transport is not None
        request.transport.close()
        return response

    async with endpoint(half) as url:
        answer = LiteLlm(choice(url)).complete(PROMPT, LIMITS)
        assert (await anext(answer)).text == "half an "
        with pytest.raises(ModelFailed) as failed:
            await anext(answer)
    assert failed.value.code is ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize("after_a_piece", [False, True])
async def test_a_hang_ends_at_the_timeout(after_a_piece: bool) -> None:
    hung = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        response = await begun(request) if after_a_piece else web.StreamResponse()
        try:
            await asyncio.Event().wait()
        finally:
            hung.set()
        return response

    async with endpoint(hang) as url:
        limits = Limits(max_total_tokens=2000, timeout_s=1.0)
        with pytest.raises(ModelFailed) as failed:
            await deltas(LiteLlm(choice(url)), limits)
    assert failed.value.code is ErrorCode.TIMEOUT


async def test_closing_frees_the_connection() -> None:
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        try:
            while True:
                await response.write(chunk("more "))
                await asyncio.sleep(0.01)
        except (ConnectionError, asyncio.CancelledError):
            left.set()
            raise

    async with endpoint(endless) as url:
        answer = LiteLlm(choice(url)).complete(PROMPT, LIMITS)
        await anext(answer)
        await answer.aclose()
        await asyncio.wait_for(left.wait(), 5)


async def test_nobody_there_is_a_provider_error() -> None:
    with pytest.raises(ModelFailed) as failed:
        await deltas(LiteLlm(choice("http://127.0.0.1:1/v1")))
    assert failed.value.code is ErrorCode.PROVIDER_ERROR


async def test_ollama_is_asked_through_its_openai_side_and_needs_no_key() -> None:
    async with stub_model("hello") as stub:
        found = await deltas(LiteLlm(choice(stub.url.removesuffix("/v1"), "ollama", "")))
        assert found[0].text == "hello"
        assert stub.keys == ["none"]


def test_a_key_in_the_environment_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses")
    with pytest.raises(ModelFailed) as failed:
        LiteLlm(ModelChoice("openai", "gpt"))
    assert failed.value.code is ErrorCode.AUTH_ERROR


def test_usage_adds_up() -> None:
    assert Usage(2, 3).total == 5
