"""State events: told by whoever changes a thing, in its commit; none is skipped, none is foreign."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from aiox.commands.hub import Actor
from aiox.runtime.postgres import owner_scope
from registry import events, retention
from registry.events import EventPosition, StateEvent
from tests.stores import Stores

START = EventPosition(0, 0)


async def seen(stores: Stores, actor: Actor, position: EventPosition = START) -> list[StateEvent]:
    return list(await events.behind(stores.pools["gateway"], actor.owner, position, 200))


async def told(stores: Stores, actor: Actor) -> list[tuple[str, UUID, str, str]]:
    return [(one.kind, one.thing, one.state, one.detail) for one in await seen(stores, actor)]


async def test_what_happens_to_an_agent_is_told_to_its_owner_only(stores: Stores) -> None:
    ada, eve = await stores.account(), await stores.account()
    agent = await stores.agent(ada)
    async with owner_scope(stores.pools["gateway"], ada.owner) as connection:
        for change in ("visibility = 'public'", "visibility = 'public'", "deleted_at = now()", "deleted_at = NULL"):
            await connection.execute(f"UPDATE agents SET {change} WHERE id = $1", agent)  # noqa: S608
    assert [state for _, thing, state, _ in await told(stores, ada) if thing == agent] == [
        "created",
        "changed",
        "deleted",
        "restored",
    ]
    assert await told(stores, eve) == []


async def test_an_event_that_is_rolled_back_was_never_told(stores: Stores) -> None:
    ada = await stores.account()
    try:
        async with owner_scope(stores.pools["gateway"], ada.owner) as connection:
            await events.append(connection, ada.owner, "quota", ada.owner, "warning", "80")
            raise asyncio.CancelledError
    except asyncio.CancelledError:
        pass
    assert await told(stores, ada) == []


async def test_a_late_commit_is_not_skipped(stores: Stores) -> None:
    ada, pool = await stores.account(), stores.pools["gateway"]
    slow, fast = uuid4(), uuid4()
    async with owner_scope(pool, ada.owner) as late:
        await events.append(late, ada.owner, "quota", slow, "warning")
        async with owner_scope(pool, ada.owner) as connection:
            await events.append(connection, ada.owner, "quota", fast, "warning")
        # The fast one is committed, but the slow one could still come before it.
        first = await seen(stores, ada)
        assert first == []
    assert [one.thing for one in await seen(stores, ada)] == [slow, fast]


async def test_reading_on_from_any_position_gives_each_event_once(stores: Stores) -> None:
    ada, pool = await stores.account(), stores.pools["gateway"]
    things = [uuid4() for _ in range(7)]
    for thing in things:
        async with owner_scope(pool, ada.owner) as connection:
            await events.append(connection, ada.owner, "quota", thing, "warning")
    found, position = [], START
    while page := await events.behind(pool, ada.owner, position, 3):
        found += [one.thing for one in page]
        position = page[-1].position
    assert found == things
    assert await seen(stores, ada, await events.end_of(pool)) == []


async def test_old_and_surplus_events_go(stores: Stores) -> None:
    ada = await stores.account()
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO state_events (owner_user_id, kind, thing, state, created_at)"
            " SELECT $1, 'quota', gen_random_uuid(), 'warning', now() - make_interval(days => 8 * (n % 2))"
            " FROM generate_series(1, 20) n",
            ada.owner,
        )
        await connection.execute(
            "INSERT INTO state_events (owner_user_id, kind, thing, state)"
            " SELECT $1, 'agent', gen_random_uuid(), 'changed' FROM generate_series(1, 9995)",
            ada.owner,
        )
    assert await retention.sweep_requests(stores.pools["orchestrator"]) >= 15
    async with stores.superuser() as connection:
        counts = await connection.fetch(
            "SELECT kind, count(*) FROM state_events WHERE owner_user_id = $1 GROUP BY 1 ORDER BY 1", ada.owner
        )
    assert [tuple(row) for row in counts] == [("agent", 9995), ("quota", 3)]  # of the last five, two are old
