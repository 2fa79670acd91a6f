"""An agent is shown when the decision is on record, and not before; decisions of many readers share commits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from aiox.commands import read_agent
from aiox.commands.read_agent import ReadAgent
from aiox.kernel.outcome import Refused
from aiox.runtime.group_commit import GroupCommit
from policy.ledger import Record
from registry import ledger
from tests.stores import Stores

_DECISIONS = "SELECT count(*) FROM audit_logs WHERE owner_user_id = $1 AND event_type = 'gate.decision'"


async def _decisions(stores: Stores, owner: UUID) -> int:
    async with stores.superuser() as root:
        return int(await root.fetchval(_DECISIONS, owner))


async def test_nothing_is_shown_that_is_not_on_record(stores: Stores) -> None:
    actor = await stores.account()
    agent = await stores.agent(actor)

    async def away(_row: Record) -> None:
        raise asyncpg.ConnectionDoesNotExistError("the ledger cannot be written")

    with pytest.raises(asyncpg.ConnectionDoesNotExistError):
        await read_agent.run(replace(stores.hub, keep=away), actor, ReadAgent(agent_id=agent))
    assert await _decisions(stores, actor.owner) == 0


async def test_many_readers_share_commits_and_each_has_a_row(stores: Stores) -> None:
    actor, writes = await stores.account(), []
    agent = await stores.agent(actor)

    async def write(rows: Sequence[Record]) -> None:
        writes.append(len(rows))
        await ledger.append(stores.pools["gateway"], rows)

    rows = GroupCommit(write)
    writer = asyncio.create_task(rows.run())
    hub = replace(stores.hub, keep=rows.add)
    try:
        shown = await asyncio.gather(*(read_agent.run(hub, actor, ReadAgent(agent_id=agent)) for _ in range(40)))
    finally:
        writer.cancel()
    assert not any(isinstance(one, Refused) for one in shown)
    assert sum(writes) == 40 == await _decisions(stores, actor.owner)
    assert len(writes) < 40
