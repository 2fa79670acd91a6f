"""A conversation that Redis has lost is read again from what was recorded, and nobody else's with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.units import SHORT_TERM_TTL_S
from aiox.runtime.keyring import KeyRing
from aiox.runtime.keyring import Place as Sealed
from registry.short_term import PastTurn, open_entry, read_again
from registry.tenants import load_ring
from tests.stores import NOW, Stores

ANN, BOB = BareJid("ann@example.org"), BareJid("bob@example.org")


@dataclass
class Talk:
    """Conversations of one owner's agent, as they stand in the table."""

    stores: Stores
    owner: OwnerId
    agent: AgentId
    ring: KeyRing
    damaged: list[UUID] = field(default_factory=list)

    async def said(
        self, text: str, minutes: float, subject: BareJid = ANN, agent: AgentId | None = None, outcome: str = "answered"
    ) -> UUID:
        """One turn, so many minutes before NOW."""
        execution = uuid4()

        def sealed(words: str, column: str) -> bytes:
            return self.ring.seal(words.encode(), Sealed(self.owner, "executions", column, execution))

        async with self.stores.superuser() as connection:
            await connection.execute(
                "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, input, output, outcome, tokens_used,"
                " tools_called, worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring,"
                " correlation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, '[]', 'w', 1, 1, 1, '{}', $8, $9)",
                execution,
                self.owner,
                agent or self.agent,
                subject,
                sealed(text, "input"),
                sealed(f"re: {text}", "output"),
                outcome,
                uuid4(),
                NOW - timedelta(minutes=minutes),
            )
        return execution

    async def read(self, limit: int = 10, subject: BareJid = ANN, now: datetime = NOW) -> list[PastTurn]:
        async def ring(_owner: OwnerId) -> KeyRing:
            return self.ring

        entries = await read_again(
            self.stores.pools["orchestrator"], ring, self.owner, self.agent, subject, limit, now, self.damaged.append
        )
        return [open_entry(self.ring, self.owner, self.agent, subject, entry) for entry in entries]


@pytest.fixture
async def talk(stores: Stores) -> Talk:
    actor = await stores.account()
    ring = await load_ring(stores.pools["orchestrator"], stores.keys, actor.owner)
    return Talk(stores, actor.owner, await stores.agent(actor), ring)


async def test_the_last_turns_come_back_in_their_order(talk: Talk) -> None:
    for number in range(5):
        await talk.said(f"number {number}", minutes=10 - number)
    assert [past.user for past in await talk.read(limit=3)] == ["number 2", "number 3", "number 4"]
    assert (await talk.read(limit=1))[0] == PastTurn("number 4", "re: number 4")


async def test_only_this_conversations_answered_turns_come_back(talk: Talk, stores: Stores) -> None:
    await talk.said("mine", minutes=5)
    await talk.said("failed", minutes=4, outcome="TIMEOUT")
    await talk.said("of another person", minutes=3, subject=BOB)
    await talk.said("with another agent", minutes=2, agent=AgentId(uuid4()))
    other = await stores.account()
    ring = await load_ring(stores.pools["orchestrator"], stores.keys, other.owner)
    await Talk(stores, other.owner, talk.agent, ring).said("of another owner", minutes=1)
    assert [past.user for past in await talk.read()] == ["mine"]
    assert [past.user for past in await talk.read(subject=BOB)] == ["of another person"]


async def test_what_redis_would_have_forgotten_too_stays_forgotten(talk: Talk) -> None:
    await talk.said("long ago", minutes=60)
    late = NOW - timedelta(minutes=60) + timedelta(seconds=SHORT_TERM_TTL_S)
    assert len(await talk.read(now=late)) == 1
    assert await talk.read(now=late + timedelta(seconds=1)) == []


async def test_where_no_texts_are_stored_there_is_nothing_to_read(talk: Talk) -> None:
    execution = await talk.said("gone", minutes=1)
    async with talk.stores.superuser() as connection:
        await connection.execute("UPDATE executions SET output = NULL WHERE id = $1", execution)
    assert await talk.read() == []


async def test_a_damaged_turn_is_named_and_left_out(talk: Talk) -> None:
    await talk.said("whole", minutes=2)
    broken = await talk.said("broken", minutes=1)
    async with talk.stores.superuser() as connection:
        await connection.execute(
            "UPDATE executions SET input = (SELECT output FROM executions WHERE id = $1) WHERE id = $1", broken
        )
    assert [past.user for past in await talk.read()] == ["whole"]
    assert talk.damaged == [broken]
    async with talk.stores.superuser() as connection:  # others count what is damaged in this database
        await connection.execute("DELETE FROM executions WHERE id = $1", broken)
