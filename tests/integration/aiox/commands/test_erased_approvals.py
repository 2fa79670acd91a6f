"""Who is erased leaves no approvals with their texts, and opens none to others; the ledger keeps the ids."""

from __future__ import annotations

from uuid import uuid4

from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import owner_scope
from registry import erasures
from registry.erasures import Person
from tests.integration.orchestrator.approval_stores import StoredWorld
from tests.stores import Stores


async def erase(stores: Stores, world: StoredWorld, who: str) -> None:
    actor, pool = world.actors[who], stores.pools["gateway"]
    account = None if who == "guest@peer" else actor.owner
    person = Person(BareJid(actor.jid), account)
    await erasures.begin(pool, uuid4(), person)
    await erasures.erase(pool, person)


async def rows(stores: Stores, world: StoredWorld, query: str) -> list[tuple[object, ...]]:
    async with owner_scope(stores.pools["orchestrator"], world.owner) as connection:
        return [tuple(row) for row in await connection.fetch(query, world.rows[0].id)]


async def test_what_an_erased_guest_asked_for_is_gone_and_the_ledger_keeps_its_id(stores: Stores) -> None:
    world = await StoredWorld.made(stores)
    await world.step("ask", 1, "guest@peer")
    await world.step("other", 0, "bob@h")  # not the call that was shown: refused, and on record
    before = await rows(stores, world, "SELECT 1 FROM approvals WHERE id = $1")
    await erase(stores, world, "guest@peer")
    assert (before, await rows(stores, world, "SELECT 1 FROM approvals WHERE id = $1")) == ([(1,)], [])
    ledger = "SELECT event_type FROM audit_logs WHERE details ->> 'approval_id' = $1::text"
    async with stores.superuser() as connection:
        found = await connection.fetch(ledger, str(world.rows[0].id))
    assert [row["event_type"] for row in found] == ["approval.refused"]


async def test_a_named_approver_who_is_erased_is_named_no_more_and_nobody_else_may_instead(stores: Stores) -> None:
    world = await StoredWorld.made(stores)
    await world.step("ask", 1, "guest@peer")
    async with stores.superuser() as connection:
        names = [world.actors["cid@h"].jid]
        await connection.execute("UPDATE approvals SET approvers = $2 WHERE id = $1", world.rows[0].id, names)
    await erase(stores, world, "cid@h")
    assert await rows(stores, world, "SELECT approvers FROM approvals WHERE id = $1") == [(["erased"],)]
    await world.step("approve", 0, "bob@h")
    assert await rows(stores, world, "SELECT state FROM approvals WHERE id = $1") == [("pending",)]
