"""An endpoint that speaks Anthropic's Messages API: what litellm translates to and from, with scripted answers."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bench.stub_model import Scripted

_KINDS = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
Event = dict[str, Any]


@dataclass(slots=True)
class AnthropicServer:
    """Its answers to come, and what it was asked."""

    url: str = ""
    answers: deque[Scripted] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/messages."""
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("x-api-key", ""))
        answer = self.answers.popleft()
        if answer.status != 200:
            error = {"type": _KINDS.get(answer.status, "api_error"), "message": answer.text}
            headers = {"retry-after": answer.retry_after} if answer.retry_after else {}
            return web.json_response({"type": "error", "error": error}, status=answer.status, headers=headers)
        assert body["stream"] is True
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in _events(body["model"], answer):
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            if answer.breaks == "half" and event["type"] == "content_block_delta" and request.transport is not None:
                request.transport.abort()
                return response
        return response


def _events(model: str, answer: Scripted) -> Iterator[Event]:
    usage = {"input_tokens": 25, "output_tokens": 1}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    yield {"type": "message_start", "message": head | {"stop_reason": None, "stop_sequence": None}}
    blocks = [_text(answer.text)] if answer.text else []
    blocks += [_tool(number, call) for number, call in enumerate(answer.calls)]
    for index, (block, deltas) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": "tool_use" if answer.calls else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 7}}
    yield {"type": "message_stop"}


def _text(text: str) -> tuple[Event, list[Event]]:
    words = [word if number == 0 else f" {word}" for number, word in enumerate(text.split(" "))]
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in words]


def _tool(number: int, call: dict[str, str]) -> tuple[Event, list[Event]]:
    half = len(call["arguments"]) // 2
    parts = call["arguments"][:half], call["arguments"][half:]
    block = {"type": "tool_use", "id": f"toolu_{number}", "name": call["name"], "input": {}}
    return block, [{"type": "input_json_delta", "partial_json": part} for part in parts]


@asynccontextmanager
async def anthropic_server(*answers: Scripted) -> AsyncIterator[AnthropicServer]:
    """Serves on loopback until the block ends."""
    server = AnthropicServer(answers=deque(answers))
    application = web.Application()
    application.router.add_post("/v1/messages", server.messages)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
