"""Recall on real PostgreSQL with real vectors: what is found, and what never is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from ai_worker.memory.store import Document, NoSuchDocument
from ai_worker.words import Kind
from aiox.runtime.postgres import owner_scope
from tests.integration.ai_worker.memory.known import ANN, BOB, GUIDE, Counting, Known, another
from tests.stores import Stores


async def test_the_nearest_passage_comes_first_with_title_and_section(known: Known) -> None:
    document_id = await known.document()
    first, *_ = found = await known.ask("How do I start the hub?")
    assert (first.title, first.section, first.kind) == ("Guide", "Guide > Start", Kind.CHUNK)
    assert first.content == "The hub starts with make up."
    assert first.document_id == document_id
    assert [one.distance for one in found] == sorted(one.distance for one in found)
    assert 0 <= first.distance < 0.72


async def test_what_is_far_is_no_memory(known: Known) -> None:
    await known.document()
    assert await known.ask("Zebras eat grass in the savannah of Kenya.") == ()


async def test_nothing_is_embedded_while_nothing_is_stored(known: Known, embedder: Counting) -> None:
    before = embedder.texts
    assert await known.ask("How do I start the hub?") == ()
    assert embedder.texts == before


async def test_a_document_stored_twice_is_stored_once(known: Known) -> None:
    document_id = await known.document()
    await known.store.document(known.owner, known.agent, Document(document_id, "Guide", GUIDE, True))
    found = await known.ask("How do I start the hub?")
    assert len({one.memory_id for one in found}) == len(found)
    assert len([one for one in found if one.section == "Guide > Start"]) == 1


async def test_a_fact_is_recalled_for_its_subject_and_nobody_else(known: Known) -> None:
    first = await known.store.fact(known.owner, known.agent, ANN, "my cat is called Ada")
    again = await known.store.fact(known.owner, known.agent, ANN, "My cat  is called Ada")
    assert first == again
    (fact,) = await known.ask("What is my cat called?", ANN)
    assert (fact.kind, fact.content, fact.title) == (Kind.FACT, "my cat is called Ada", "")
    assert await known.ask("What is my cat called?", BOB) == ()
    assert await known.ask("What is my cat called?", "") == ()


async def test_two_subjects_may_tell_the_same(known: Known) -> None:
    assert await known.store.fact(known.owner, known.agent, ANN, "I like tea") != await known.store.fact(
        known.owner, known.agent, BOB, "I like tea"
    )
    assert len(await known.ask("What do I like?", BOB)) == 1


async def test_another_agent_of_the_same_owner_knows_nothing_of_it(known: Known, stores: Stores) -> None:
    await known.document()
    actor_agent = await stores.agent(await stores.account())
    assert await known.recall.passages(known.owner, actor_agent, ANN, "How do I start the hub?") == ()


async def test_another_owner_finds_nothing(known: Known, stores: Stores, embedder: Counting) -> None:
    await known.document()
    stranger = await another(stores, embedder)
    assert await known.recall.passages(stranger.owner, known.agent, ANN, "How do I start the hub?") == ()


async def test_a_document_of_another_agent_is_not_stored(known: Known, stores: Stores, embedder: Counting) -> None:
    document_id = await (await another(stores, embedder)).document()
    with pytest.raises(NoSuchDocument):
        await known.store.document(known.owner, known.agent, Document(document_id, "Guide", GUIDE, True))
    assert await known.ask("How do I start the hub?") == ()


@asynccontextmanager
async def as_worker(known: Known, agent: UUID, subject: str) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
    async with owner_scope(known.stores.pools["ai_worker"], known.owner, agent, subject) as connection:
        yield connection


COUNT = "SELECT count(*) FROM agent_memories UNION ALL SELECT count(*) FROM memory_vectors_384"


async def test_row_level_security_holds_when_the_filters_are_left_out(known: Known) -> None:
    await known.document()
    await known.store.fact(known.owner, known.agent, ANN, "my cat is called Ada")
    seen = {}
    for name, agent, subject in (("ann", known.agent, ANN), ("bob", known.agent, BOB), ("other", uuid4(), ANN)):
        async with as_worker(known, agent, subject) as connection:
            seen[name] = [row["count"] for row in await connection.fetch(COUNT)]
    assert seen == {"ann": [3, 3], "bob": [2, 2], "other": [0, 0]}


@pytest.mark.control
async def test_without_row_level_security_the_same_query_sees_all(known: Known) -> None:
    await known.document()
    async with known.stores.superuser() as connection:
        assert all(row["count"] >= 2 for row in await connection.fetch(COUNT))


async def test_the_worker_can_neither_change_nor_forget(known: Known) -> None:
    await known.document()
    for sql in ("DELETE FROM agent_memories", "UPDATE agent_memories SET content = ''", "TRUNCATE agent_memories"):
        async with as_worker(known, known.agent, ANN) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)


async def test_nul_characters_are_left_out(known: Known) -> None:
    await known.store.fact(known.owner, known.agent, ANN, "my cat\x00 is called Ada")
    (fact,) = await known.ask("What is my cat called?")
    assert fact.content == "my cat is called Ada"
