"""Server-sent events: what a stream is on the wire, how many one may have, and when one ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Final

from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from gateway.errors import Stopped
from gateway.guard import Receive, Scope, Send

PER_ACCOUNT: Final = 8
IN_ALL: Final = 1000
"""Streams that one gateway holds open at a time."""

BEAT_S: Final = 15.0
"""A stream says something at least this often, if only a comment: proxies close what is silent."""
LOOK_S: Final = 2.0
"""How often a stream looks for news, and whether its token is still good."""
LONGEST_S: Final = 840.0
"""A stream ends by then, before its token does; who wants more connects again."""

BEAT: Final = b": beat\n\n"


def event(name: str, data: BaseModel, event_id: str = "") -> bytes:
    """One event; its data is JSON."""
    return format_sse_event(data_str=data.model_dump_json(), event=name, id=event_id or None)


class Streams:
    """Counts the open streams of this process."""

    def __init__(self, per_account: int = PER_ACCOUNT, in_all: int = IN_ALL) -> None:
        self._per_account = per_account
        self._in_all = in_all
        self._open: Counter[OwnerId] = Counter()

    @contextmanager
    def place(self, owner: OwnerId) -> Iterator[None]:
        """A place for one stream. Raises Stopped with RATE_LIMITED, or HUB_BUSY when this gateway is full."""
        if self._open[owner] >= self._per_account:
            raise Stopped(ErrorCode.RATE_LIMITED, f"{self._per_account} streams at a time", 10)
        if self._open.total() >= self._in_all:
            raise Stopped(ErrorCode.HUB_BUSY, retry_after_s=10)
        self._open[owner] += 1
        try:
            yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]


Source = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Opens what a stream says. May raise Stopped: then the answer is a problem document."""


class EventStream(StreamingResponse):
    """An answer of events. Its source is opened when it is sent, and closed whichever side ends it."""

    media_type = "text/event-stream"

    def __init__(self, source: Source, streams: Streams, owner: OwnerId) -> None:
        super().__init__((), headers={"X-Accel-Buffering": "no"})
        self._source = source
        self._streams = streams
        self._owner = owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until the source ends or the reader goes."""
        with self._streams.place(self._owner):
            async with self._source() as said:
                self.body_iterator = said
                await super().__call__(scope, receive, send)
