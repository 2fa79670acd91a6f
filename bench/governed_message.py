"""What governance costs a message, whole: gate, policy and its row, quota reserved and settled in a real Redis.

The message counts on the budgets of account, agent and one organisation.

Counted is the processor time of this process, as an orchestrator's, and of the Redis server beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID, uuid4

from aiox.cli.stack import credentials
from aiox.cli.stack import redis as redis_part
from aiox.cli.stack.home import prepare
from aiox.commands import gate
from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.runtime.clock import SystemClock
from aiox.runtime.redis import connect
from aiox.runtime.settings import Ports, Settings
from bench.measure import Figure
from bench.throwaway import free_ports
from policy.cedar.facts import Facts
from policy.cedar.judge import Policies
from policy.quota import DAY_S, MINUTE_S
from registry.quota_memory import Books, QuotaMemory
from registry.quotas import AtOnce, Conversation, Limit, Quotas, Request, Reserved

NAME: Final = "gate, policy and quota of a message"
_PLENTY: Final = 10**12
_ENTRY_BYTES: Final = 400
"""Of a question and its answer, sealed."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class GovernedMessage:
    """One message after the other, each by another person: decided, put on record, reserved, settled."""

    policies: Policies
    quotas: Quotas
    redis: int
    """Process id of the server."""
    facts: Sequence[Facts]
    name: str = NAME
    owner: OwnerId = field(default_factory=lambda: OwnerId(uuid4()))
    agent: AgentId = field(default_factory=lambda: AgentId(uuid4()))
    house: UUID = field(default_factory=uuid4)
    """The organisation of the owner."""

    async def measure(self) -> Sequence[Figure]:
        """One round. Raises RuntimeError when a message was not let through."""
        began, own, server = time.perf_counter(), time.process_time(), cpu_of(self.redis)
        for facts in self.facts:
            await self._govern(facts)
        count = len(self.facts)
        used = time.process_time() - own + cpu_of(self.redis) - server
        return [
            Figure("decisions", "1/s", count / (time.perf_counter() - began), higher_is_better=True),
            Figure("CPU of one", "us", used / count * 1e6, higher_is_better=False),
        ]

    async def _govern(self, facts: Facts) -> None:
        clock, turn = SystemClock(), TurnId(uuid4())
        decided = self.policies.decide(facts)
        gate.decision(clock, decided, self.owner, turn).encode()
        conversation = Conversation(self.owner, self.agent, facts.actor, 10)
        found = await self.quotas.reserve(conversation, self._request(turn, round(clock.now().timestamp() * 1000)))
        if not isinstance(found, Reserved):
            raise RuntimeError(f"not reserved: {found}")  # noqa: TRY004 -- a value of another kind, not a wrong argument
        if not await self.quotas.settle(conversation, turn, 120, turn.bytes + bytes(_ENTRY_BYTES)):
            raise RuntimeError("not settled")

    def _request(self, turn: TurnId, now_ms: int) -> Request:
        return Request(
            turn=turn,
            input_tokens=100,
            max_tokens=4096,
            limits=[
                Limit("account, per minute", self.owner, _PLENTY, MINUTE_S),
                Limit("account, per day", self.owner, _PLENTY, DAY_S),
                Limit("agent, per minute", self.agent, _PLENTY, MINUTE_S),
                Limit("agent, per day", self.agent, _PLENTY, DAY_S),
                Limit("organisation, per minute", self.house, _PLENTY, MINUTE_S),
                Limit("organisation, per day", self.house, _PLENTY, DAY_S),
            ],
            at_once=[
                AtOnce("account", self.owner, 100),
                AtOnce("agent", self.agent, 100),
                AtOnce("organisation", self.house, 100),
            ],
            now_ms=now_ms,
            lease_ms=60_000,
        )


def cpu_of(process: int) -> float:
    """Processor time of a process so far, in seconds."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


@asynccontextmanager
async def governed(policies: Policies, facts: Sequence[Facts]) -> AsyncIterator[GovernedMessage]:
    """A Redis of its own, whose counters count."""
    numbers = free_ports(len(Ports.model_fields))
    with TemporaryDirectory(prefix="aiox-bench-") as folder:
        ports = Ports(**dict(zip(Ports.model_fields, numbers, strict=True)))
        settings = Settings(home=Path(folder) / "home", ports=ports)
        home = prepare(settings)
        credentials.ensure(home)
        process = await redis_part.start(home, settings.ports.redis)
        client = connect(settings, home.secrets("orchestrator"), "orchestrator")
        try:
            quotas = Quotas(client, "bench")
            if not await QuotaMemory(client, quotas, _alone, _nothing_used, SystemClock()).check():
                raise RuntimeError("the counters do not count")
            yield GovernedMessage(policies, quotas, process.pid, facts)
        finally:
            await client.aclose()
            await process.stop()


async def _alone() -> list[str]:
    return ["bench"]


async def _nothing_used(_turns: Sequence[UUID]) -> Books:
    return Books([], set())
