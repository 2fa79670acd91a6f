"""A hub that is grown past the hub: as many rows as were asked for, each like the one that is copied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest

from bench.throwaway import Bench
from bench.whole import rows
from tests.integration.ai_worker.memory.crowd import Near, fill
from tests.stack import Place
from tests.stores import Stores, opened

_GROWN = """
    SET session_replication_role = replica;
    CREATE TEMP TABLE grown_owners AS SELECT id FROM users WHERE email LIKE '%@grown.example.org'
        UNION ALL SELECT md5('remembers ' || n)::uuid FROM generate_series(1, 10) n;
    DELETE FROM agents WHERE owner_user_id IN (SELECT id FROM grown_owners);
    DELETE FROM agent_versions WHERE owner_user_id IN (SELECT id FROM grown_owners);
    DELETE FROM agent_addresses WHERE owner_user_id IN (SELECT id FROM grown_owners);
    DELETE FROM agent_memories WHERE owner_user_id IN (SELECT id FROM grown_owners);
    DELETE FROM memory_vectors_384 WHERE owner_user_id IN (SELECT id FROM grown_owners);
    DELETE FROM agent_storage WHERE owner_user_id IN (SELECT id FROM grown_owners);
    DELETE FROM users WHERE id IN (SELECT id FROM grown_owners);"""


@pytest.fixture(scope="module")
async def stores(postgres: Place) -> AsyncIterator[Stores]:
    async with opened(postgres.home, postgres.settings) as started:
        yield started
        async with started.superuser() as connection:
            await connection.execute(_GROWN)


async def test_agents_and_memories_grow(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "AGENTS_OF_AN_OWNER", 10)
    bench = cast(Bench, stores)  # home and settings are what is read of it
    actor = await stores.account()
    agent = await stores.agent(actor)
    await fill(stores, Near(), actor.owner, agent, 20, words=False)
    before = await rows.counted(bench)
    await rows.more_agents(bench, agent, 25)
    await rows.more_memories(bench, agent, 50)
    after = await rows.counted(bench)
    assert (after["agents"] - before["agents"], after["memories"] - before["memories"]) == (25, 60)
    async with stores.superuser() as connection:
        alike = await connection.fetchval(
            "SELECT count(*) FROM agents a JOIN agent_versions v ON v.id = a.active_version_id AND v.agent_id = a.id"
            " JOIN users u ON u.id = a.owner_user_id JOIN agent_addresses d ON d.agent_id = a.id"
            " WHERE u.email LIKE '%@grown.example.org' AND d.address_id = a.id"
        )
        kept = await connection.fetchval(
            "SELECT count(*) FROM memory_vectors_384 v JOIN agent_memories m ON m.id = v.memory_id"
            " AND m.owner_user_id = v.owner_user_id AND m.agent_id = v.agent_id WHERE v.model = $1",
            Near.model,
        )
    assert alike == 25
    assert kept >= 80
