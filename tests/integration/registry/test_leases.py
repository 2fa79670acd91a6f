"""Leases in SQL do what the plain model says, and the commit asks for the fencing token."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from aiox.kernel.ids import HUB_OWNER, AgentId, TurnId
from aiox.kernel.jid import BareJid
from policy.ledger import Record
from registry import leases
from registry.turns import Conclusion, InboxRow, LeaseLost, conclude
from tests.stores import Stores
from tests.unit.orchestrator.lease_table import LONG_AGO, LeaseTable

SECONDS = 1000.0
"""Long enough that real time does not matter; the script sets expiry by hand."""
NOW = 0.0


@dataclass
class Both:
    stores: Stores
    model: LeaseTable

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        return self.stores.pools["orchestrator"]

    async def begin(self) -> None:
        async with self.stores.superuser() as connection:
            await connection.execute(
                "UPDATE partition_leases SET holder = '', token = 0, expires_at = '-infinity'; TRUNCATE orchestrators"
            )

    async def renew(self, who: str) -> None:
        assert await leases.renew(self.pool, who, SECONDS) == self.model.renew(NOW, who, SECONDS)

    async def take(self, who: str, most: int) -> None:
        assert await leases.take(self.pool, who, SECONDS, most) == self.model.take(NOW, who, SECONDS, most)

    async def release(self, who: str, number: int) -> None:
        token = self.model.leases[number].token
        await leases.release(self.pool, who, number, token)
        self.model.release(who, number, token)

    async def leave(self, who: str) -> None:
        await leases.leave(self.pool, who)
        self.model.leave(who)

    async def runs_out(self, who: str, at: str, modelled: float) -> None:
        async with self.stores.superuser() as connection:
            await connection.execute(
                f"UPDATE partition_leases SET expires_at = {at} WHERE holder = '{who}';"  # noqa: S608 -- of this file
                f"UPDATE orchestrators SET expires_at = {at} WHERE holder = '{who}'"
            )
        for lease in self.model.leases.values():
            if lease.holder == who:
                lease.expires_at = modelled
        if who in self.model.live:
            self.model.live[who] = modelled


@pytest.mark.parametrize("seed", range(4))
async def test_sql_and_model_agree_on_a_random_script(stores: Stores, seed: int) -> None:
    chance, both = random.Random(seed), Both(stores, LeaseTable())
    await both.begin()
    for _ in range(60):
        who = chance.choice(("ada", "bo", "cy"))
        match chance.choice(("renew", "renew", "take", "take", "release", "leave", "late", "ahead")):
            case "renew":
                await both.renew(who)
            case "take":
                await both.take(who, chance.choice((1, 5, 11, 32)))
            case "release":
                await both.release(who, chance.randrange(32))
            case "leave":
                await both.leave(who)
            case "late":
                await both.runs_out(who, "now() - interval '1 second'", LONG_AGO)
            case "ahead":  # the database's clock was set back by a day
                await both.runs_out(who, "now() + interval '1 day'", 86_400.0)


def a_conclusion(partition: int, fence: int) -> Conclusion:
    now, turn = datetime.now(UTC), TurnId(uuid4())
    record = Record(uuid4(), HUB_OWNER, "turn.concluded", "info", {"turn_id": str(turn)}, now, "ada@localhost")
    inbox = InboxRow(turn, HUB_OWNER, AgentId(uuid4()), BareJid("ada@localhost"), "m1", "answered", uuid4(), now, now)
    return Conclusion(partition, fence, (inbox,), (record,))


async def _two_owners(stores: Stores) -> tuple[int, int]:
    """The token of an owner whose lease ran out, and that of the one who came after it."""
    both = Both(stores, LeaseTable())
    await both.begin()
    stale = (await leases.take(both.pool, "ada", SECONDS, 1))[0]
    await both.runs_out("ada", "'-infinity'", LONG_AGO)
    current = (await leases.take(both.pool, "bo", SECONDS, 1))[0]
    return stale, current


async def test_an_owner_whose_partition_was_taken_over_writes_nothing(stores: Stores) -> None:
    stale, current = await _two_owners(stores)
    pool, late, timely = stores.pools["orchestrator"], a_conclusion(0, stale), a_conclusion(0, current)
    with pytest.raises(LeaseLost):
        await conclude(pool, [late])
    with pytest.raises(LeaseLost):
        await conclude(pool, [timely, late])  # one of them is enough to refuse all
    await conclude(pool, [timely])
    async with stores.superuser() as connection:
        written = await connection.fetch(
            "SELECT turn_id FROM inbox WHERE turn_id = ANY ($1)", [late.inbox[0].turn, timely.inbox[0].turn]
        )
    assert [row["turn_id"] for row in written] == [timely.inbox[0].turn]


@pytest.mark.control
async def test_control_without_the_check_the_stale_owner_writes(stores: Stores) -> None:
    stale, _ = await _two_owners(stores)
    late = a_conclusion(0, stale)
    async with stores.superuser() as connection:
        body = await connection.fetchval(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE proname = 'conclude' AND pronamespace = 'aiox'::regnamespace"
        )
        assert "WHERE l.partition IS NULL" in body
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(body.replace("WHERE l.partition IS NULL", "WHERE false"))
        await connection.execute("SET LOCAL ROLE aiox_orchestrator")
        await conclude(connection, [late])  # type: ignore[arg-type]  # a connection executes as a pool does
        await connection.execute("RESET ROLE")
        assert await connection.fetchval("SELECT count(*) FROM inbox WHERE turn_id = $1", late.inbox[0].turn) == 1
        await transaction.rollback()
        assert await connection.fetchval("SELECT count(*) FROM inbox WHERE turn_id = $1", late.inbox[0].turn) == 0
