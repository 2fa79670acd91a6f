"""What is settled stands in PostgreSQL by the minute of its reservation, and turns are in it or not, never half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from aiox.kernel.ids import AgentId, OwnerId, TurnId, VersionId
from aiox.kernel.jid import BareJid
from policy.ledger import Record
from policy.quota import Settled
from registry.quota_books import read_books
from registry.turns import AlreadyConcluded, Conclusion, ExecutionRow, InboxRow, conclude
from tests.stores import Stores

PARTITION = 30
MINUTE = 30_000_000
NOW = datetime.fromtimestamp(MINUTE * 60 + 30, UTC)


@dataclass
class At:
    """A clock that stands."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return 0.0


async def concluded(
    stores: Stores,
    owner: OwnerId,
    agent: AgentId,
    *turns: tuple[int, int],
    again: TurnId | None = None,
    groups: Sequence[UUID] = (),
) -> list[TurnId]:
    """Concludes turns of (minute, tokens) in one commit."""
    async with stores.superuser() as connection:
        fence = await connection.fetchval("SELECT token FROM partition_leases WHERE partition = $1", PARTITION)
    ids = [again or TurnId(uuid4()) for _ in turns]
    rows = [_conclusion(fence, owner, agent, turn, *what, groups) for turn, what in zip(ids, turns, strict=True)]
    await conclude(stores.pools["orchestrator"], rows)
    return ids


def _conclusion(
    fence: int, owner: OwnerId, agent: AgentId, turn: TurnId, minute: int, tokens: int, groups: Sequence[UUID]
) -> Conclusion:
    jid = BareJid("ada@localhost")
    record = Record(uuid4(), owner, "turn.concluded", "info", {"turn_id": str(turn)}, NOW, jid)
    inbox = InboxRow(turn, owner, agent, jid, "m1", "answered", uuid4(), NOW, NOW)
    execution = ExecutionRow(
        id=uuid4(),
        owner=owner,
        agent=agent,
        version_id=VersionId(uuid4()),
        subject=jid,
        sealed_input=None,
        sealed_output=None,
        outcome="answered",
        tokens_used=tokens,
        tools_called=(),
        worker_id="w",
        duration_ms=1,
        platform_ms=1,
        worker_ms=0,
        scoring={},
        correlation_id=uuid4(),
        created_at=NOW,
        reserved_minute=minute,
        groups=groups,
    )
    return Conclusion(PARTITION, fence, (inbox,), (record,), (execution,))


async def settled(stores: Stores, *scopes: object, turns: Sequence[TurnId] = ()) -> list[Settled]:
    books = await read_books(stores.pools["orchestrator"], At(NOW), turns)
    assert set(books.concluded) <= set(turns)
    return [one for scope in scopes for one in books.settled if one.scope == scope]


async def test_usage_is_counted_for_account_and_agent_in_the_minute_of_the_reservation(stores: Stores) -> None:
    owner, one, other = (await stores.account()).owner, AgentId(uuid4()), AgentId(uuid4())
    await concluded(stores, owner, one, (MINUTE - 1, 5), (MINUTE, 7))
    await concluded(stores, owner, other, (MINUTE, 11))
    await concluded(stores, owner, one, (MINUTE - 1, 13))  # of a minute that is over: the day counts it
    assert await settled(stores, owner, one, other) == [
        Settled(owner, MINUTE, 18, 36),
        Settled(one, MINUTE, 7, 25),
        Settled(other, MINUTE, 11, 11),
    ]
    await concluded(stores, owner, one, (MINUTE + 2, 3))
    assert await settled(stores, one) == [Settled(one, MINUTE + 2, 3, 28)]


async def test_what_was_counted_by_a_clock_that_was_ahead_counts_as_used_now(stores: Stores) -> None:
    owner, one = (await stores.account()).owner, AgentId(uuid4())
    await concluded(stores, owner, one, (MINUTE + 1440, 3))
    assert await settled(stores, one) == [Settled(one, MINUTE, 3, 3)]


async def test_usage_of_the_day_before_is_not_of_this_day(stores: Stores) -> None:
    owner, agent = (await stores.account()).owner, AgentId(uuid4())
    await concluded(stores, owner, agent, (MINUTE - 1440, 9))
    assert await settled(stores, owner, agent) == []


async def test_the_books_say_which_turns_are_in_them(stores: Stores) -> None:
    owner, agent = (await stores.account()).owner, AgentId(uuid4())
    (turn,) = await concluded(stores, owner, agent, (MINUTE, 5))
    with pytest.raises(AlreadyConcluded):
        await concluded(stores, owner, agent, (MINUTE, 5), again=turn)
    books = await read_books(stores.pools["orchestrator"], At(NOW), [turn, TurnId(uuid4())])
    assert books.concluded == {turn}
    assert await settled(stores, agent, turns=[turn]) == [Settled(agent, MINUTE, 5, 5)]
