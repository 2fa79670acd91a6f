"""Turns that whoever asked them wants stopped: before a worker is asked, or while it thinks.

The mark of a turn that was asked over HTTP stands at its row; what comes over the bus is a hint. A turn is entered here
before its mark is read, and marked before the hint is sent, so that one of both finds it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiox.kernel.envelope import HTTP, CancelAsked
from aiox.kernel.ids import OwnerId, TurnId
from orchestrator.proofs import Turn

REMEMBERED: Final = 4096
"""Turns that were cancelled before they had begun."""

Marked = Callable[[OwnerId, TurnId], Awaitable[bool]]
"""Whether who asked a turn over HTTP, given first, wants it stopped (registry.asked.is_cancelled)."""


class TurnCancelled(Exception):
    """Who asked does not want the answer any more."""


class Cancels:
    """One per orchestrator."""

    def __init__(self, marked: Marked) -> None:
        self._marked = marked
        self._running: dict[TurnId, tuple[Turn, asyncio.Timeout]] = {}
        self._asked: OrderedDict[TurnId, None] = OrderedDict()

    def stop(self, turns: Sequence[Turn]) -> None:
        """Stops turns of one conversation, those that wait in its lane too."""
        for turn in turns:
            turn_id = turn.message.turn_id
            self._asked[turn_id] = None
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
            self._expire(turn_id)

    def heard(self, asked: CancelAsked, tenant: OwnerId | None) -> None:
        """A hint of the HTTP door. Only who asked the turn may stop it; of a turn that is not here, the mark tells."""
        running = self._running.get(asked.turn_id)
        if running is not None and running[0].envelope.channel == HTTP and running[0].envelope.tenant == tenant:
            self._expire(asked.turn_id)

    @asynccontextmanager
    async def heeding(self, turn: Turn) -> AsyncIterator[None]:
        """Around what may be cancelled. Raises TurnCancelled, at once when it was cancelled before."""
        ids = [member.message.turn_id for member in turn.all_members]
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._running.update(dict.fromkeys(ids, (turn, scope)))
                try:
                    if await self._is_cancelled(turn, ids):
                        raise TurnCancelled
                    yield
                finally:
                    for turn_id in ids:
                        self._running.pop(turn_id, None)
        except TimeoutError:
            if scope.expired():
                raise TurnCancelled from None
            raise

    async def _is_cancelled(self, turn: Turn, ids: Sequence[TurnId]) -> bool:
        if any(turn_id in self._asked for turn_id in ids):
            return True
        tenant = turn.envelope.tenant
        return turn.envelope.channel == HTTP and tenant is not None and await self._marked(tenant, ids[0])

    def _expire(self, turn_id: TurnId) -> None:
        running = self._running.get(turn_id)
        if running is not None:
            running[0].seal()
            running[1].reschedule(asyncio.get_running_loop().time())
