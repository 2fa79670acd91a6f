"""Summaries in the database: which turns are in none yet, who may replace one, and what is never summed up again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from aiox.commands import chat_choices
from aiox.commands.chat_command import Asker
from aiox.commands.hub import Actor, Hub
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import Place
from aiox.runtime.postgres import owner_scope
from registry import history, memories, summaries, tenants
from registry.retention import sweep_memories
from registry.summaries import Unsummarised
from tests.stores import NOW, Stores

ANN, BOB = BareJid("ann@example.org"), BareJid("bob@example.org")


@dataclass(frozen=True)
class Talk:
    """An agent that people talk to; `said` puts a turn on record as the orchestrator does."""

    stores: Stores
    owner: Actor
    agent: AgentId

    async def said(self, subject: BareJid, minute: int, text: str = "", outcome: str = "answered") -> None:
        one = uuid4()
        async with owner_scope(self.stores.pools["gateway"], self.owner.owner) as connection:
            ring = await tenants.ring_of(connection, self.stores.keys, self.owner.owner)
        sealed = {
            column: ring.seal(
                (text or f"{column} {minute}").encode(), Place(self.owner.owner, "executions", column, one)
            )
            for column in ("input", "output")
        }
        async with self.stores.superuser() as connection:
            await connection.execute(
                "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, input, output, outcome, tokens_used,"
                " tools_called, worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring,"
                " correlation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, '[]', 'w', 1, 1, 1, '{}', $8, $9)",
                one,
                self.owner.owner,
                self.agent,
                subject,
                sealed["input"],
                sealed["output"],
                outcome,
                uuid4(),
                at(minute),
            )

    async def open(self, subject: BareJid = ANN, limit: int = 40) -> Unsummarised:
        pool = self.stores.pools["orchestrator"]
        return await summaries.unsummarised(pool, self.owner.owner, self.agent, subject, limit)

    async def keep(self, content: str, of: Unsummarised, subject: BareJid = ANN) -> bool:
        pool = self.stores.pools["orchestrator"]
        return await summaries.keep(pool, self.owner.owner, self.agent, subject, uuid4(), content, of)

    async def seen(self, subject: BareJid = ANN) -> list[tuple[str, datetime]]:
        found = await memories.of_subject(self.stores.pools["gateway"], self.agent, subject)
        return [(one.content, one.created_at) for one in found if one.kind == "summary"]

    async def forget(self, subject: BareJid = ANN, entries: list[UUID] | None = None) -> int:
        return await memories.forget(self.stores.pools["gateway"], self.agent, subject, entries)


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


@pytest.fixture
async def talk(stores: Stores) -> Talk:
    owner = await stores.account()
    return Talk(stores, owner, await stores.agent(owner))


async def test_a_summary_takes_the_place_of_the_one_before_and_is_as_old_as_its_oldest_turn(talk: Talk) -> None:
    for minute in range(3):
        await talk.said(ANN, minute)
    first = await talk.open()
    assert [one.created_at for one in first.turns] == [at(0), at(1), at(2)]
    assert await talk.keep("one to three", first)
    await talk.said(ANN, 3)
    second = await talk.open()
    assert (second.after, [one.created_at for one in second.turns]) == (at(2), [at(3)])
    assert await talk.keep("one to four", second)
    assert await talk.seen() == [("one to four", at(0))]
    assert (await talk.open()).turns == []


async def test_turns_of_others_that_failed_or_were_summaries_are_not_in_it(talk: Talk) -> None:
    await talk.said(BOB, 0)
    await talk.said(ANN, 1, outcome="TIMEOUT")
    await talk.said(ANN, 2, outcome="summarised")
    assert (await talk.open()).turns == []
    assert len((await talk.open(BOB)).turns) == 1


async def test_what_a_summary_cost_is_no_turn_in_its_persons_history(talk: Talk) -> None:
    await talk.said(talk.owner.jid, 0)
    await talk.said(talk.owner.jid, 1, outcome="summarised")
    found = await history.of_subject(talk.stores.pools["gateway"], talk.agent, talk.owner.jid, None, 10)
    assert [one.created_at for one in found] == [at(0)]


async def test_of_two_that_are_made_at_once_the_first_stands(talk: Talk) -> None:
    await talk.said(ANN, 0)
    both = await talk.open()
    assert await talk.keep("first", both)
    assert not await talk.keep("second", both)
    assert [content for content, _ in await talk.seen()] == ["first"]


async def test_what_a_person_had_forgotten_is_never_summed_up_again(talk: Talk) -> None:
    await talk.said(ANN, 0)
    under_way = await talk.open()
    assert await talk.keep("my secret", under_way)
    (entry,) = await memories.of_subject(talk.stores.pools["gateway"], talk.agent, ANN)
    await talk.said(ANN, 1)
    late = await talk.open()
    assert await talk.forget(entries=[entry.id]) == 1
    assert not await talk.keep("my secret, again", late)
    assert await talk.seen() == []
    assert (await talk.open()).turns == []
    assert await sweep_memories(talk.stores.pools["orchestrator"], at(60)) >= 0
    assert (await talk.open()).turns == [], "nor when old things end"


async def test_all_forgotten_before_there_was_a_summary_counts_too(talk: Talk) -> None:
    await talk.said(ANN, 0)
    under_way = await talk.open()
    assert await talk.forget() == 0
    assert not await talk.keep("too late", under_way)


async def test_what_was_left_behind_by_beginning_anew_is_not_summed_up(talk: Talk) -> None:
    await talk.said(ANN, 0)
    await talk.said(BOB, 0)
    asker = Asker(Actor(talk.owner.owner, ANN), talk.agent, talk.owner.owner, None, _nowhere)
    hub = Hub(talk.stores.pools["orchestrator"], talk.stores.keys, SystemClock(), "localhost")
    assert await talk.keep("before", await talk.open())
    await talk.said(ANN, 1)
    await chat_choices.reset(hub, asker, {})
    assert await talk.seen() == []
    assert (await talk.open()).turns == []
    assert len((await talk.open(BOB)).turns) == 1


async def _nowhere(_event: Envelope[MessageReceived]) -> None:
    raise AssertionError("nothing goes on the bus")


@pytest.mark.control
async def test_without_the_mark_of_what_was_forgotten_it_would_come_back(talk: Talk) -> None:
    await talk.said(ANN, 0)
    under_way = await talk.open()
    await talk.forget()
    async with talk.stores.superuser() as connection:
        await connection.execute("DELETE FROM summary_marks WHERE agent_id = $1", talk.agent)
    assert await talk.keep("it is back", under_way)


async def test_a_summary_ends_with_its_oldest_text_and_what_is_left_is_summed_up_anew(talk: Talk) -> None:
    """The agent keeps texts for 365 days."""
    day = 24 * 60
    await talk.said(ANN, 0)
    await talk.said(ANN, 100 * day)
    assert await talk.keep("both", await talk.open())
    orchestrator = talk.stores.pools["orchestrator"]
    await sweep_memories(orchestrator, at(364 * day))
    assert [content for content, _ in await talk.seen()] == ["both"]
    await sweep_memories(orchestrator, at(366 * day))
    assert await talk.seen() == []
    left = await talk.open()
    assert [one.created_at for one in left.turns] == [at(100 * day)], "the text of the other turn has ended, too"


async def test_no_summary_for_an_agent_that_is_gone_or_somebody_elses(talk: Talk) -> None:
    await talk.said(ANN, 0)
    found, stranger = await talk.open(), await talk.stores.account()
    pool = talk.stores.pools["orchestrator"]
    assert not await summaries.keep(pool, stranger.owner, talk.agent, ANN, uuid4(), "x", found)
    async with talk.stores.superuser() as connection:
        await connection.execute("UPDATE agents SET deleted_at = now() WHERE id = $1", talk.agent)
    assert not await talk.keep("x", found)
    assert await talk.seen() == []
