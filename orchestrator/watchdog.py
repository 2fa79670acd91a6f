"""Frees conversations that are stuck, and says so (SPEC 4): a metric, a log line, a ledger row, then one more try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from prometheus_client import Gauge

from aiox.kernel.ids import HUB_OWNER, derived_id
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.postgres import StoreTrouble
from orchestrator.deliveries import Delivery
from orchestrator.lanes import Group, Lanes
from policy.ledger import Record

MARGIN_S: Final = 15.0
"""Beyond a turn's own time: for its tries, and for the stores."""
LOOK_S: Final = 2.0
STUCK: Final = Gauge("aiox_stuck_conversations", "Conversations whose message is handled for longer than it may")

Append = Callable[[Sequence[Record]], Awaitable[None]]
"""Writes ledger rows. Raises StoreTrouble; then nothing is written."""


class Watchdog:
    """Looks at what is being handled. `limit_s` is how long a message may be handled, in seconds."""

    def __init__(
        self, lanes: Lanes[Delivery], append: Append, clock: Clock, log: Log, limit_s: float, look_s: float = LOOK_S
    ) -> None:
        self._lanes = lanes
        self._append = append
        self._clock = clock
        self._log = log
        self._limit_s = limit_s
        self._look_s = look_s

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            now = asyncio.get_running_loop().time()
            stuck = self._lanes.handled_since(now - self._limit_s)
            STUCK.set(len(stuck))
            for group in stuck:
                await self._free(group, now - group.since)
            await asyncio.sleep(self._look_s)

    async def _free(self, group: Group[Delivery], handled_s: float) -> None:
        """Says so first. A store that is away is no reason to free anything: the turn waits for it, too."""
        try:
            await self._append([_record(group, handled_s, self._clock)])
        except StoreTrouble as away:
            self._log.warning("stuck_conversation_not_recorded", error=repr(away))
            return
        message = group.items[0].turn.message
        self._log.error(
            "conversation_stuck",
            turn_id=str(message.turn_id),
            agent_id=str(message.agent_id),
            correlation_id=str(group.items[0].turn.envelope.correlation_id),
            handled_s=round(handled_s),
        )
        self._lanes.free(group, _suspected)


def _suspected(delivery: Delivery) -> Delivery:
    """Its next attempt is counted: one that is stuck each time becomes a dead letter."""
    return replace(delivery, turn=replace(delivery.turn, suspect=True))


def _record(group: Group[Delivery], handled_s: float, clock: Clock) -> Record:
    turn, now = group.items[0].turn, clock.now()
    return Record(
        id=derived_id(turn.message.turn_id, f"conversation.stuck {now.isoformat()}"),
        owner=HUB_OWNER,
        event_type="conversation.stuck",
        severity="error",
        details={
            "turn_ids": [str(delivery.turn.message.turn_id) for delivery in group.items],
            "agent_id": str(turn.message.agent_id),
            "partition": turn.partition,
            "handled_s": round(handled_s),
        },
        created_at=now,
        actor="orchestrator",
        correlation_id=turn.envelope.correlation_id,
        request_id=turn.message.turn_id,
    )
