"""GET /v1/events: from now on, from where one was, or anew when that is too long ago; it ends when it must."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.runtime.postgres import owner_scope
from gateway import following
from gateway.app import make_app
from gateway.guard import App
from registry import events
from tests.integration.gateway.door import HttpDoor, Person
from tests.integration.gateway.streaming import Stream, stream


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
def app(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> App:
    async def ready() -> str:
        return ""

    monkeypatch.setattr(following, "PAUSE_S", 0.02)
    monkeypatch.setattr(following, "LOOK_S", 0.02)
    return make_app(door.inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"))


@asynccontextmanager
async def watching(app: App, person: Person, last: str = "") -> AsyncIterator[Stream]:
    headers = {**person.headers, **({"last-event-id": last} if last else {})}
    async with stream(app, "GET", "/v1/events", headers) as reader:
        yield reader


async def tell(door: HttpDoor, person: Person, count: int = 1) -> None:
    async with owner_scope(door.stores.pools["gateway"], person.account.owner) as connection:
        for _ in range(count):
            await events.append(connection, person.account.owner, "quota", person.account.owner, "warning", "80")


async def names(reader: Stream, count: int) -> list[str]:
    found = [await reader.next() for _ in range(count)]
    return [one.name for one in found if one is not None]


async def test_what_happens_is_told_to_its_owner_and_nobody_else(door: HttpDoor, app: App, ada: Person) -> None:
    eve = await door.person()
    async with watching(app, ada) as reader, watching(app, eve) as other:
        assert await names(reader, 1) == await names(other, 1) == ["ready"]
        agent = await door.agent(ada)
        told = await reader.next()
        assert told is not None
        assert (told.name, told.data["thing"], told.data["kind"]) == ("agent.created", agent, "agent")
        await tell(door, eve)
        assert await names(other, 1) == ["quota.warning"]  # and nothing of Ada's before it


async def test_one_who_comes_back_misses_nothing_and_gets_nothing_twice(door: HttpDoor, app: App, ada: Person) -> None:
    async with watching(app, ada) as reader:
        mark = await reader.next()
        assert mark is not None
        await tell(door, ada)
        first = await reader.next()
        assert first is not None
    await tell(door, ada, 2)
    for last, missed in ((first.id, 2), (mark.id, 3)):
        async with watching(app, ada, last) as reader:
            assert await names(reader, 1 + missed) == ["ready", *["quota.warning"] * missed]
            await door.agent(ada)
            assert await names(reader, 1) == ["agent.created"]
        async with door.stores.superuser() as connection:
            await connection.execute("DELETE FROM state_events WHERE kind = 'agent'")


@pytest.mark.parametrize("last", ["1-1-1", "900000000000000000-1-9999999999"])
async def test_one_who_was_away_too_long_or_comes_from_a_restored_hub_starts_anew(
    door: HttpDoor, app: App, ada: Person, last: str
) -> None:
    await tell(door, ada)
    async with watching(app, ada, last) as reader:
        assert await names(reader, 1) == ["reset"]
        await door.agent(ada)
        assert await names(reader, 1) == ["agent.created"]


async def test_one_who_missed_very_much_starts_anew(
    door: HttpDoor, app: App, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REPLAYED", 150)
    async with watching(app, ada) as reader:
        mark = await reader.next()
        assert mark is not None
    await tell(door, ada, 250)
    async with watching(app, ada, mark.id) as reader:
        assert await names(reader, 202) == ["ready", *["quota.warning"] * 200, "reset"]
        await door.agent(ada)
        assert await names(reader, 1) == ["agent.created"]


async def test_a_quiet_stream_beats_and_ends_with_the_session(
    door: HttpDoor, app: App, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BEAT_S", 0.05)
    async with watching(app, ada) as reader:
        assert await names(reader, 1) == ["ready"]
        async with door.stores.superuser() as connection:
            await connection.execute("UPDATE users SET deactivated_at = now() WHERE id = $1", ada.account.owner)
        assert await reader.next() is None
    monkeypatch.setattr(following, "LONGEST_S", 0.3)
    eve = await door.person()
    async with watching(app, eve) as reader:
        assert [one.name for one in await reader.rest()] == ["ready"]
        assert reader.beats > 0


@pytest.mark.parametrize("last", ["x", "1", "1-1", "-1-1-1", "1-1-99999999999"])
async def test_what_is_no_event_id_is_refused(app: App, ada: Person, last: str) -> None:
    async with watching(app, ada, last) as reader:
        assert await reader.started() == 422
