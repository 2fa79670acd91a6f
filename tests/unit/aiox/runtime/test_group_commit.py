"""Group commit: what waits together is written together, and each gets its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.group_commit import GroupCommit
from registry.turns import AlreadyConcluded, Conclusion, InboxRow, LeaseLost

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def conclusion(number: int) -> Conclusion:
    row = InboxRow(
        TurnId(UUID(int=number)),
        OwnerId(UUID(int=1)),
        AgentId(UUID(int=2)),
        BareJid("ada@example.org"),
        str(number),
        "answered",
        UUID(int=3),
        NOW,
        NOW,
    )
    return Conclusion(partition=number, fence=1, inbox=(row,), records=())


async def results(commits: GroupCommit[Conclusion], numbers: Sequence[int]) -> list[BaseException | None]:
    writer = asyncio.create_task(commits.run())
    found = await asyncio.gather(*(commits.add(conclusion(number)) for number in numbers), return_exceptions=True)
    writer.cancel()
    return found


async def test_turns_that_wait_share_one_write() -> None:
    batches: list[int] = []

    async def write(batch: Sequence[Conclusion]) -> None:
        batches.append(len(batch))
        await asyncio.sleep(0)

    assert await results(GroupCommit(write), range(50)) == [None] * 50
    assert sum(batches) == 50
    assert len(batches) <= 2


@pytest.mark.parametrize("error", [AlreadyConcluded, LeaseLost, asyncpg.CheckViolationError, asyncpg.DataError])
async def test_one_bad_turn_fails_alone(error: type[Exception]) -> None:
    async def write(batch: Sequence[Conclusion]) -> None:
        if any(turn.inbox[0].turn == UUID(int=3) for turn in batch):
            raise error

    found = await results(GroupCommit(write), range(6))
    assert [type(result) for result in found] == [type(None)] * 3 + [error] + [type(None)] * 2


async def test_one_bad_turn_of_many_costs_few_writes() -> None:
    writes = 0

    async def write(batch: Sequence[Conclusion]) -> None:
        nonlocal writes
        writes += 1
        if any(turn.inbox[0].turn == UUID(int=200) for turn in batch):
            raise asyncpg.CharacterNotInRepertoireError("a row that no table takes")

    found = await results(GroupCommit(write), range(256))
    assert [number for number, result in enumerate(found) if result is not None] == [200]
    assert writes <= 2 * 8 + 2


async def test_a_broken_store_fails_all_and_the_next_batch_works() -> None:
    broken = True

    async def write(batch: Sequence[Conclusion]) -> None:
        nonlocal broken
        if broken:
            broken = False
            raise OSError("the store is restarting")

    commits = GroupCommit(write)
    assert all(isinstance(result, OSError) for result in await results(commits, range(3)))
    assert await results(commits, range(3)) == [None] * 3
