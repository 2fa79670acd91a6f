"""Deleted agents whose time is over are purged, each with a row in the ledger. Any number of orchestrators may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import Pool
from policy.ledger import Record
from registry import agent_ends
from registry.agent_ends import EndedAgent

EVERY_S: Final = 5.0
PURGED: Final = "agent.purged"
_BATCH: Final = 16

Forget = Callable[[OwnerId, AgentId, Sequence[str]], Awaitable[None]]
"""Deletes what caches hold of an agent's conversations with these bare JIDs."""


@dataclass(frozen=True, slots=True)
class Purge:
    """Purges agents deleted more than `days` ago, or whose end was asked for.

    For `settle_s` seconds after a deletion nothing is taken: a turn that was under way may still come to its end.
    """

    pool: Pool
    forget: Forget
    days: int
    settle_s: float
    clock: Clock
    log: Log

    async def run(self) -> None:
        """Looks every few seconds, until cancelled. What fails is said and tried again with the next look."""
        while True:
            try:
                await self.round()
            except Exception as broken:  # noqa: BLE001 -- the boundary: the other agents' time comes too
                self.log.warning("purge_waits", error=describe(broken))
            await asyncio.sleep(EVERY_S)

    async def round(self) -> int:
        """Purges what is due now; returns how many agents went. Raises what the stores raise; nothing is half done."""
        gone = 0
        while ended := await agent_ends.find_ended(self.pool, self.days, self.settle_s, _BATCH):
            done = [await self._purge(agent) for agent in ended]
            gone += sum(done)
            if not any(done):  # others were faster, or their owners restored them
                break
        return gone

    async def _purge(self, agent: EndedAgent) -> bool:
        """Caches first: should this break off, the agent is found again."""
        await self.forget(agent.owner, agent.id, agent.subjects)
        record = Record(
            id=uuid4(),
            owner=agent.owner,
            event_type=PURGED,
            severity="info",
            details={"agent_id": str(agent.id)},
            created_at=self.clock.now(),
            actor="",
        )
        done = await agent_ends.purge(self.pool, agent.id, self.days, record)
        if done:
            self.log.info("agent_purged", agent_id=str(agent.id), owner_user_id=str(agent.owner))
        return done
