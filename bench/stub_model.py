"""An OpenAI-compatible endpoint that answers at once: what a bench puts where the model would be.

Tests use it too: answers and failures can be scripted, and every request is kept. Point the hub at it with
AIOX_MODEL__PROVIDER=openai, AIOX_MODEL__NAME=stub, AIOX_MODEL__API_KEY=anything and
AIOX_MODEL__API_BASE=<StubModel.url>. By hand: `python -m bench.stub_model --port 9000`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import uvloop
from aiohttp import web

_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer to come: a text, or a failure when `status` is not 200. `usage` false leaves the counts out."""

    text: str = ""
    status: int = 200
    retry_after: str = ""
    usage: bool = True
    calls: tuple[dict[str, str], ...] = ()
    """Tools that the model calls: `name`, and `arguments` as JSON text."""
    breaks: Literal["", "hang", "stall", "half", "garbage", "page", "slam"] = ""
    """`slam`: the connection is closed without a word; `hang`: no answer at all; `stall` and `half`: the text and no
    end, the connection open or cut; `garbage`: events that are no JSON; `page`: HTML. What hangs ends when who asked
    has gone."""


@dataclass(slots=True)
class StubModel:
    """The endpoint's state. `answers` are given once each, in order; after them every question is echoed."""

    latency_ms: float = 0.0
    keep_requests: bool = True
    url: str = ""
    answers: deque[Scripted] = field(default_factory=deque)
    decides: Callable[[str], Scripted] | None = None
    """Answers by the question instead, where it is set."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    count: int = 0
    gone: int = 0
    """Requests whose asker went away before the end."""
    thinking: int = 0
    """Requests that wait for their answer now."""
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _whole: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._free.set()
        self._whole.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it nothing is answered: a test decides when, not a clock."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    @contextmanager
    def halfway(self) -> Iterator[None]:
        """Within it answers that are streamed stop after the first half of their words."""
        self._whole.clear()
        try:
            yield
        finally:
            self._whole.set()

    def script(self, *answers: Scripted | str) -> None:
        """Adds answers to come."""
        self.answers.extend(Scripted(answer) if isinstance(answer, str) else answer for answer in answers)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        body: dict[str, Any] = await request.json()
        self.count += 1
        if self.keep_requests:
            self.asked.append(body)
            self.keys.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        self.thinking += 1
        try:
            await asyncio.sleep(self.latency_ms / 1000)
            await self._free.wait()
        finally:
            self.thinking -= 1
        answer = self._answer(_question(body))
        if answer.status != 200:
            return _failure(answer)
        if answer.breaks:
            return await self._break(request, body, answer)
        if body.get("stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            with suppress(ConnectionResetError):  # who asked may be gone: killed, or asking anew
                await _stream(response, request, body, answer, self._whole)
            return response
        return web.json_response(_whole(body, answer))

    def _answer(self, question: str) -> Scripted:
        if self.decides is not None:
            return self.decides(question)
        return self.answers.popleft() if self.answers else Scripted(f"echo: {question}")

    async def _break(self, request: web.Request, body: dict[str, Any], answer: Scripted) -> web.StreamResponse:
        if answer.breaks == "slam" and request.transport is not None:
            request.transport.abort()
        if answer.breaks == "page":
            return web.Response(text="<html>Welcome to the portal</html>", content_type="text/html")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if answer.breaks != "hang":
            await response.prepare(request)
            await response.write(b"data: {no json\n\n" if answer.breaks == "garbage" else _begun(body, answer))
        if answer.breaks in {"hang", "stall"}:
            while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(_LOOK_S)
            self.gone += 1
        if answer.breaks == "half" and request.transport is not None:
            request.transport.close()
        return response


def _begun(body: dict[str, Any], answer: Scripted) -> bytes:
    """The text of an answer, without its end."""
    spoken = list(_chunks(body, answer))[: len(answer.text.split(" "))]
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in spoken)


def _question(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            return str(message.get("content", ""))
    return ""


def _failure(answer: Scripted) -> web.Response:
    headers = {"Retry-After": answer.retry_after} if answer.retry_after else {}
    error = {"message": answer.text or "scripted failure", "type": "scripted", "code": str(answer.status)}
    return web.json_response({"error": error}, status=answer.status, headers=headers)


def _usage(body: dict[str, Any], text: str) -> dict[str, int]:
    """Words stand for tokens: exact enough to be checked, easy to predict."""
    asked = sum(len(str(message.get("content", "")).split()) for message in body.get("messages", []))
    answered = len(text.split())
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _whole(body: dict[str, Any], answer: Scripted) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text}
    whole: dict[str, Any] = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "stub"),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    return whole | ({"usage": _usage(body, answer.text)} if answer.usage else {})


def _chunks(body: dict[str, Any], answer: Scripted) -> Iterable[dict[str, Any]]:
    head = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1, "model": body.get("model", "stub")}
    words = answer.text.split(" ")
    for number, word in enumerate(words):
        text = word if number == 0 else f" {word}"
        delta = {"role": "assistant", "content": text} if number == 0 else {"content": text}
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    for index, call in enumerate(answer.calls):
        first = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": call["name"]}}
        yield head | {"choices": [{"index": 0, "delta": {"tool_calls": [first]}, "finish_reason": None}]}
        for part in (call["arguments"][:7], call["arguments"][7:]):
            piece = {"index": index, "function": {"arguments": part}}
            yield head | {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}]}
    reason = "tool_calls" if answer.calls else "stop"
    yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    if answer.usage and (body.get("stream_options") or {}).get("include_usage"):
        yield head | {"choices": [], "usage": _usage(body, answer.text)}


async def _stream(
    response: web.StreamResponse, request: web.Request, body: dict[str, Any], answer: Scripted, whole: asyncio.Event
) -> None:
    """An event for each word. They leave together, but for a test that wants half of them first: the model is not what
    is measured, and should cost little.
    """
    await response.prepare(request)
    events = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in _chunks(body, answer)]
    if not whole.is_set():
        half = len(answer.text.split(" ")) // 2
        await response.write(b"".join(events[:half]))
        await whole.wait()
        events = events[half:]
    await response.write(b"".join([*events, b"data: [DONE]\n\n"]))
    await response.write_eof()


async def _models(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "bench"}]})


@asynccontextmanager
async def stub_model(
    *answers: Scripted | str,
    latency_ms: float = 0.0,
    port: int = 0,
    keep_requests: bool = True,
    keepalive_s: float = 75.0,
    host: str = "127.0.0.1",
) -> AsyncIterator[StubModel]:
    """Serves on `host` until the block ends. Port 0 picks a free one; `StubModel.url` ends in /v1.

    `keepalive_s`: how long a connection may stay that nobody uses.
    """
    stub = StubModel(latency_ms=latency_ms, keep_requests=keep_requests)
    stub.script(*answers)
    application = web.Application(client_max_size=16 << 20)
    application.router.add_post("/v1/chat/completions", stub.complete)
    application.router.add_get("/v1/models", _models)
    runner = web.AppRunner(application, access_log=None, keepalive_timeout=keepalive_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        stub.url = f"http://{host}:{runner.addresses[0][1]}/v1"
        yield stub
    finally:
        await runner.cleanup()


async def _serve(host: str, port: int, latency_ms: float) -> None:
    async with stub_model(latency_ms=latency_ms, port=port, keep_requests=False, host=host) as stub:
        print(stub.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serves until interrupted; the first line printed is the URL."""
    arguments = argparse.ArgumentParser(description="An OpenAI-compatible endpoint that echoes.")
    arguments.add_argument("--port", type=int, default=0, help="0 picks a free one")
    arguments.add_argument("--host", default="127.0.0.1", help="address to listen on; another one in a container only")
    arguments.add_argument("--latency-ms", type=float, default=0.0, help="before each answer, in milliseconds")
    chosen = arguments.parse_args()
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(chosen.host, chosen.port, chosen.latency_ms))


if __name__ == "__main__":
    main()
