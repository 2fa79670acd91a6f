"""Messages in hand: taken from the bus, not yet let go. Nothing is put twice, nothing is delivered again meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from aiox.runtime.logs import Log
from orchestrator.proofs import Turn

SIGNAL_S: Final = 20.0
"""How often the bus is told that a message is still in hand; a third of its patience (intake.ACK_WAIT_S)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A turn, and the bus message to acknowledge when it is concluded."""

    turn: Turn
    message: Msg


class InHand:
    """Which partitions are taken from, under which fence, and what of them is in hand."""

    def __init__(self, log: Log, signal_s: float = SIGNAL_S) -> None:
        self._log = log
        self._signal_s = signal_s
        self._fences: dict[int, int] = {}
        self._messages: dict[tuple[UUID, int], Msg] = {}
        self._counts: Counter[int] = Counter()
        self._changed = asyncio.Event()

    def open(self, partition: int, fence: int) -> None:
        """From now on turns of this partition and fence may begin."""
        self._fences[partition] = fence

    def close(self, partition: int) -> None:
        """No further turn of this partition begins; what has begun goes on."""
        self._fences.pop(partition, None)

    def may_begin(self, turn: Turn) -> bool:
        """Whether a turn that waits in its lane may still begin here; else it belongs to the next owner."""
        return self._fences.get(turn.partition) == turn.fence

    def take(self, delivery: Delivery) -> bool:
        """Takes a message in hand; False when it is in hand already: it was delivered again while it waits."""
        key = _key(delivery.turn)
        if key in self._messages:
            return False
        self._messages[key] = delivery.message
        self._counts[delivery.turn.partition] += 1
        return True

    def let_go(self, delivery: Delivery) -> None:
        """It is concluded, or left to redelivery."""
        if self._messages.pop(_key(delivery.turn), None) is not None:
            self._counts[delivery.turn.partition] -= 1
            self._changed.set()

    def count(self, partition: int) -> int:
        """Messages of this partition in hand."""
        return self._counts[partition]

    async def until_empty(self, partition: int) -> None:
        """Returns when nothing of this partition is in hand."""
        while self._counts[partition]:
            self._changed.clear()
            await self._changed.wait()

    async def signal_for_ever(self) -> None:
        """Tells the bus about every message that waits or is thought about, until cancelled."""
        while True:
            await asyncio.sleep(self._signal_s)
            for message in list(self._messages.values()):
                try:
                    await message.in_progress()
                except NatsError as gone:
                    self._log.debug("progress_not_signalled", error=repr(gone))


def _key(turn: Turn) -> tuple[UUID, int]:
    """A message that comes under a new fence is another delivery: the one under the old fence cannot be concluded."""
    return turn.message.turn_id, turn.fence
