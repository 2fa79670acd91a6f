"""Pieces of an answer, gathered: a message of the link costs more than the words that a model says at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

LIVE_S: Final = 0.05
"""Between two pieces that somebody reads; the first one goes at once."""
UNSEEN_S: Final = 0.25
"""Between two pieces that nobody reads: they only tell the hub what a turn has cost if its worker dies."""


class Pieces:
    """Within its context, hands what is said to `show` a few times a second at most; what is left at the end, only when
    it is read `live`: the answer has it too, and so has the bill of one that was given up.
    """

    def __init__(self, show: Callable[[str], None], loop: asyncio.AbstractEventLoop, *, live: bool) -> None:
        self._show = show
        self._loop = loop
        self._live = live
        self._pause_s = LIVE_S if live else UNSEEN_S
        self._next = 0.0 if live else loop.time() + UNSEEN_S
        self._said: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            if self._live:
                self._flush()

    def say(self, text: str) -> None:
        """One more piece."""
        self._said.append(text)
        if self._timer is None:
            if self._loop.time() >= self._next:
                self._flush()
            else:
                self._timer = self._loop.call_at(self._next, self._flush)

    def _flush(self) -> None:
        self._timer = None
        self._next = self._loop.time() + self._pause_s
        text = "".join(self._said)
        self._said.clear()
        self._show(text)
