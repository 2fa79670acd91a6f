"""Storage is counted as it comes and goes, whoever stores or deletes, and a full memory refuses to store."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from aiox.commands import put_document
from aiox.commands.hub import Actor
from aiox.commands.put_document import DocumentPut, PutDocument
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId, TurnId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from policy.access import Relation
from policy.storage import MIB, Storage, passages_of
from registry import storage
from registry.documents import Stored
from registry.turns import find_turn
from tests.stores import NOW, Stores


async def used(stores: Stores, actor: Actor, agent: AgentId) -> tuple[int, int]:
    async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
        found = await storage.used(connection, actor.owner, agent, 512)
    return found.account_bytes, found.agent_bytes


async def put(stores: Stores, actor: Actor, agent: AgentId, text: str, source: str = "s") -> DocumentPut | Refused:
    return await put_document.run(
        stores.hub, actor, PutDocument(agent_id=agent, title="t", source=source, content=text)
    )


async def remember(stores: Stores, actor: Actor, agent: AgentId, document: object = None, text: str = "12345") -> None:
    async with owner_scope(stores.pools["ai_worker"], actor.owner, agent, actor.jid) as connection:
        await connection.execute(
            "INSERT INTO agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, document_id, content,"
            " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *(uuid4(), actor.owner, agent, *(("agent", "", "chunk") if document else ("subject", actor.jid, "fact"))),
            *(document, text, NOW),
        )


async def allow(stores: Stores, actor: Actor, mb: int) -> None:
    async with stores.superuser() as connection:
        await connection.execute(
            "UPDATE users SET quota_config = quota_config || $2::jsonb WHERE id = $1",
            actor.owner,
            json.dumps({"max_memory_mb": mb}),
        )


async def test_what_comes_and_goes_is_counted_per_agent(stores: Stores) -> None:
    actor = await stores.account()
    one, two = await stores.agent(actor), await stores.agent(actor)
    assert await used(stores, actor, one) == (0, 0)
    stored = await put(stores, actor, one, "x" * 100)
    await put(stores, actor, two, "y" * 7)
    assert isinstance(stored, DocumentPut)
    assert await used(stores, actor, one) == (107, 100)
    await remember(stores, actor, one, stored.document_id)
    await remember(stores, actor, one)
    assert await used(stores, actor, one) == (107 + 2 * 773, 100 + 2 * 773)
    await put(stores, actor, one, "z" * 10)
    assert await used(stores, actor, one) == (7 + 10 + 773, 10 + 773), "the old text went, with its passage"
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM agents WHERE id = $1", one)
    assert await used(stores, actor, one) == (7, 0)


async def test_a_document_that_does_not_fit_is_refused_and_leaves_nothing(stores: Stores) -> None:
    actor = await stores.account()
    agent = await stores.agent(actor)
    await allow(stores, actor, 1)
    room = next(size for size in range(MIB, 0, -1000) if size + passages_of(size) <= MIB)
    assert isinstance(await put(stores, actor, agent, "a" * 10, "small"), DocumentPut)
    full = await put(stores, actor, agent, "b" * (room + 1000), "large")
    assert isinstance(full, Refused)
    assert full.code is ErrorCode.MEMORY_FULL
    assert "1 MiB are allowed" in full.reason
    assert await used(stores, actor, agent) == (10, 10)
    again = await put(stores, actor, agent, "a" * 10, "small")
    assert isinstance(again, DocumentPut)
    assert again.stored is Stored.UNCHANGED


async def test_two_at_once_do_not_pass_the_limit_together(stores: Stores) -> None:
    actor = await stores.account()
    agent = await stores.agent(actor)
    await allow(stores, actor, 1)
    done = await asyncio.gather(*(put(stores, actor, agent, "c" * 300_000, str(number)) for number in range(4)))
    assert sum(isinstance(one, DocumentPut) for one in done) == 1
    assert await used(stores, actor, agent) == (300_000, 300_000)


@pytest.mark.parametrize(("mb", "full"), [(0, True), (512, False)])
async def test_a_turn_knows_whether_the_memory_is_full(stores: Stores, mb: int, full: bool) -> None:
    actor = await stores.account()
    agent = await stores.agent(actor)
    await put(stores, actor, agent, "text")
    await allow(stores, actor, mb)
    facts = await find_turn(stores.pools["orchestrator"], agent, actor.jid, TurnId(uuid4()))
    assert facts.quota is not None
    assert (facts.account_bytes, facts.agent_bytes, facts.quota.max_memory_mb) == (4, 4, mb)
    assert Storage(facts.account_bytes, facts.quota.max_memory_mb, facts.agent_bytes, 512).full is full


async def test_a_stranger_learns_nothing_of_what_is_stored(stores: Stores) -> None:
    actor, stranger = await stores.account(), await stores.account()
    agent = await stores.agent(actor)
    await put(stores, actor, agent, "text")
    facts = await find_turn(stores.pools["orchestrator"], agent, stranger.jid, TurnId(uuid4()))
    assert (facts.relation, facts.account_bytes, facts.agent_bytes, facts.quota) == (Relation.NONE, 0, 0, None)
