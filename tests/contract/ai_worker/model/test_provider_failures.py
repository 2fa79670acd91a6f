"""A provider's ways of failing, each over real HTTP, become one exception with one of our codes, in every client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from ai_worker.model.choose import bare, needs_litellm
from ai_worker.model.litellm_model import LiteLlm
from ai_worker.model.offline import Offline
from ai_worker.model.openai_stream import OpenAiStream, open_session
from ai_worker.model.port import ChatModel, Delta, ModelFailed
from ai_worker.model.prompt import prompt_tokens
from ai_worker.words import Limits, ModelChoice, Prompt, ToolOffer
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


Build = Callable[[ModelChoice], ChatModel]


@pytest.fixture(params=["litellm", "openai_stream"])
async def build(request: pytest.FixtureRequest) -> AsyncIterator[Build]:
    """Makes a model of each kind that speaks over HTTP."""
    if request.param == "litellm":
        yield LiteLlm
        return
    async with open_session() as session:
        yield lambda choice: OpenAiStream(choice, session)


async def deltas(model: ChatModel, limits: Limits = LIMITS) -> list[Delta]:
    return [delta async for delta in model.complete(PROMPT, limits)]


async def test_an_answer_streams_with_the_providers_own_usage(build: Build) -> None:
    async with stub_model("one two three") as stub:
        found = await deltas(build(choice(stub.url)))
        assert [delta.text for delta in found] == ["one", " two", " three", ""]
        assert found[-1].usage is not None
        assert found[-1].usage.output_tokens == 3
        (asked,) = stub.asked
        assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("stub", 77, 0.3)
        assert asked["messages"][-1] == {"role": "user", "content": "a secret question"}
        assert stub.keys == [KEY]


async def test_usage_is_estimated_when_the_provider_does_not_count(build: Build) -> None:
    async with stub_model(Scripted("one two three", usage=False)) as stub:
        usage = (await deltas(build(choice(stub.url))))[-1].usage
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
async def test_a_refusal_has_its_code_and_quotes_nothing(build: Build, status: int, code: ErrorCode) -> None:
    async with stub_model(Scripted(f"bad key {KEY} for: a secret question", status=status)) as stub:
        with pytest.raises(ModelFailed) as failed:
            await deltas(build(choice(stub.url)))
        assert stub.count == 1
    assert failed.value.code is code
    assert KEY not in str(failed.value)
    assert "secret" not in failed.value.text


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_answer_without_visible_text_is_none(build: Build, text: str) -> None:
    async with stub_model(text) as stub:
        with pytest.raises(ModelFailed) as failed:
            await deltas(build(choice(stub.url)))
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


async def test_half_a_stream_fails_after_what_came(build: Build) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        assert request.transport is not None
        request.transport.close()
        return response

    async with endpoint(half) as url:
        answer = build(choice(url)).complete(PROMPT, LIMITS)
        assert (await anext(answer)).text == "half an "
        with pytest.raises(ModelFailed) as failed:
            await anext(answer)
    assert failed.value.code is ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize("after_a_piece", [False, True])
async def test_a_hang_ends_at_the_timeout(build: Build, after_a_piece: bool) -> None:
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
            await deltas(build(choice(url)), limits)
    assert failed.value.code is ErrorCode.TIMEOUT


async def test_closing_frees_the_connection(build: Build) -> None:
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
        answer = build(choice(url)).complete(PROMPT, LIMITS)
        await anext(answer)
        await answer.aclose()
        async with asyncio.timeout(60):
            await left.wait()


async def test_nobody_there_is_a_provider_error(build: Build) -> None:
    with pytest.raises(ModelFailed) as failed:
        await deltas(build(choice("http://127.0.0.1:1/v1")))
    assert failed.value.code is ErrorCode.PROVIDER_ERROR


async def test_ollama_is_asked_through_its_openai_side_and_needs_no_key() -> None:
    async with stub_model("hello") as stub, open_session() as session:
        model = bare(session, choice(stub.url.removesuffix("/v1"), "ollama", ""), closeness)
        assert isinstance(model, OpenAiStream)
        found = await deltas(model)
        assert found[0].text == "hello"
        assert stub.keys == ["none"]


async def closeness(_question: str, texts: Sequence[str]) -> list[float]:
    return [0.0 for _ in texts]


async def test_who_is_asked_depends_on_provider_and_endpoint() -> None:
    async with open_session() as session:
        kinds = [
            type(bare(session, chosen, closeness))
            for chosen in (
                ModelChoice(),
                choice("http://127.0.0.1:1/v1"),
                ModelChoice("openai", "gpt", "", KEY),
                ModelChoice("anthropic", "claude", "", KEY),
            )
        ]
    assert kinds == [Offline, OpenAiStream, LiteLlm, LiteLlm]
    assert [
        needs_litellm(*pair) for pair in (("", ""), ("openai", "u"), ("ollama", ""), ("openai", ""), ("x", "u"))
    ] == [
        False,
        False,
        False,
        True,
        True,
    ]


async def test_a_call_that_comes_in_pieces_is_put_together(build: Build) -> None:
    offer = ToolOffer("append_line", "Appends.", {"type": "object"})
    call = {"name": "append_line", "arguments": '{"file":"a","line":"b"}'}
    async with stub_model(Scripted("", calls=(call, call))) as stub:
        found = [delta async for delta in build(choice(stub.url)).complete(replace(PROMPT, tools=(offer,)), LIMITS)]
        assert stub.asked[0]["tools"][0]["function"]["name"] == "append_line"
    assert [(one.name, one.arguments) for one in found[-1].calls] == [(call["name"], call["arguments"])] * 2
    assert len({one.id for one in found[-1].calls}) == 2
    assert found[-1].usage is not None


async def test_calls_without_end_are_an_error(build: Build) -> None:
    async with stub_model(Scripted("", calls=({"name": "t", "arguments": "x" * 200_000},))) as stub:
        with pytest.raises(ModelFailed) as failed:
            await deltas(build(choice(stub.url)))
    assert failed.value.code is ErrorCode.PROVIDER_ERROR


async def test_one_connection_serves_one_call_after_the_other() -> None:
    ports = set()

    async def answers(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        response = await begun(request)
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async with endpoint(answers) as url, open_session() as session:
        for _ in range(3):
            await deltas(OpenAiStream(choice(url), session))
    assert len(ports) == 1


@pytest.mark.parametrize(
    "events", [b"data: {\n\n", b"data: []\n\n", b'data: {"error": {"message": "no"}}\n\n', b"", b"hello"]
)
async def test_what_is_no_stream_is_a_provider_error(events: bytes) -> None:
    async def answers(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(events)
        await response.write_eof()
        return response

    async with endpoint(answers) as url, open_session() as session:
        with pytest.raises(ModelFailed) as failed:
            await deltas(OpenAiStream(choice(url), session))
    assert failed.value.code is ErrorCode.PROVIDER_ERROR


async def test_a_redirect_is_not_followed() -> None:
    async with stub_model("hello") as stub:

        async def elsewhere(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPTemporaryRedirect(f"{stub.url}/chat/completions")

        async with endpoint(elsewhere) as url, open_session() as session:
            with pytest.raises(ModelFailed):
                await deltas(OpenAiStream(choice(url), session))
        assert stub.count == 0


def test_a_key_in_the_environment_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-elses")
    with pytest.raises(ModelFailed) as failed:
        LiteLlm(ModelChoice("openai", "gpt"))
    assert failed.value.code is ErrorCode.AUTH_ERROR


def test_usage_adds_up() -> None:
    assert Usage(2, 3).total == 5
