"""Streamable HTTP by the hub's own way out: the SDK speaks, and every request goes where it was judged to go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx2
from mcp.client.streamable_http import streamable_http_client

from ai_worker.tools.mcp.streams import Streams
from ai_worker.tools.pin import Place
from aiox.runtime.egress.transport import Egress, NotAnswered, Outgoing
from aiox.runtime.egress.urls import Blocked

MAX_ANSWER: Final = 1 << 20
"""Of one answer, in bytes."""
REQUEST_S: Final = 30.0
_SENT: Final = ("accept", "content-type", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name")
_KEPT: Final = ("content-type", "mcp-session-id")


class ByEgress(httpx2.AsyncBaseTransport):
    """The SDK's HTTP. Answers are read whole; a server's own stream of news (GET) is not opened."""

    def __init__(self, egress: Egress, place: Place) -> None:
        self._egress = egress
        self._place = place

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request. Raises httpx2.TransportError, with nothing of the other side's words in it."""
        if request.method not in {"POST", "DELETE"}:
            return httpx2.Response(405, request=request)
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        if self._place.secret:
            headers["authorization"] = f"Bearer {self._place.secret}"
        asked = Outgoing(
            url=str(request.url),
            allowed=self._place.domains,
            method=request.method,
            headers=headers,
            body=await request.aread(),
            timeout_s=REQUEST_S,
            max_bytes=MAX_ANSWER,
        )
        try:
            answer = await self._egress.fetch(asked)
        except (Blocked, NotAnswered) as no:
            raise httpx2.TransportError(str(no)) from None
        if not answer.whole:
            raise httpx2.TransportError(f"The server's answer is longer than {MAX_ANSWER} bytes.")
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        return httpx2.Response(answer.status, headers=kept, content=answer.body, request=request)


@asynccontextmanager
async def by_http(egress: Egress, place: Place) -> AsyncIterator[Streams]:
    """A connection to an http server."""
    async with (
        httpx2.AsyncClient(transport=ByEgress(egress, place), trust_env=False) as client,
        streamable_http_client(place.server.url, http_client=client) as (incoming, outgoing),
    ):
        yield Streams(incoming, outgoing, lambda: True)
