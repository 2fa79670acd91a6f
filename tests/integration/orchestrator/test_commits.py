"""A row that PostgreSQL takes from nobody fails alone: its neighbours in the group commit are written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import asyncpg

from aiox.kernel.ids import HUB_OWNER, AgentId, TurnId
from aiox.kernel.jid import BareJid
from orchestrator.commits import Commits
from policy.ledger import Record
from registry.turns import Conclusion, InboxRow, conclude
from tests.stores import Stores

PARTITION = 31


def a_conclusion(fence: int) -> Conclusion:
    now, turn = datetime.now(UTC), TurnId(uuid4())
    record = Record(uuid4(), HUB_OWNER, "turn.concluded", "info", {"turn_id": str(turn)}, now, "ada@localhost")
    inbox = InboxRow(turn, HUB_OWNER, AgentId(uuid4()), BareJid("ada@localhost"), "m1", "answered", uuid4(), now, now)
    return Conclusion(PARTITION, fence, (inbox,), (record,))


async def test_a_row_that_no_table_takes_fails_alone(stores: Stores) -> None:
    async with stores.superuser() as connection:
        fence = await connection.fetchval("SELECT token FROM partition_leases WHERE partition = $1", PARTITION)
    turns = [a_conclusion(fence) for _ in range(20)]
    turns[7] = replace(turns[7], inbox=(replace(turns[7].inbox[0], message_id="\0"),))  # text in PostgreSQL has no NUL
    commits = Commits(partial(conclude, stores.pools["orchestrator"]))
    writing = asyncio.create_task(commits.run())
    results = await asyncio.gather(*(commits.add(turn) for turn in turns), return_exceptions=True)
    writing.cancel()
    assert isinstance(results[7], asyncpg.CharacterNotInRepertoireError)
    assert [result for result in results if result is not None] == [results[7]]
    async with stores.superuser() as connection:
        written = await connection.fetch(
            "SELECT turn_id FROM inbox WHERE turn_id = ANY ($1)", [t.inbox[0].turn for t in turns]
        )
    assert {row["turn_id"] for row in written} == {turn.inbox[0].turn for turn in turns} - {turns[7].inbox[0].turn}
