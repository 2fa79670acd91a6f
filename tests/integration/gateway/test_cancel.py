"""DELETE /v1/turns/{id}: one's own open turn is marked and the orchestrators are told; nobody else's, nothing twice."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.commands.cancel_turn import Tell
from aiox.kernel.envelope import CancelAsked, Envelope, MessageReceived
from aiox.kernel.ids import OwnerId, TurnId
from aiox.runtime.nats import NotStored
from gateway.app import make_app
from gateway.front import Front
from registry import asked
from registry.asked import AskedEnd
from tests.integration.gateway.door import HttpDoor, Person
from tests.stores import NOW


class Bus:
    def __init__(self) -> None:
        self.told: list[Envelope[CancelAsked]] = []
        self.away = False

    async def put(self, _message: Envelope[MessageReceived]) -> None:
        """Takes it."""

    async def cancel(self, event: Envelope[CancelAsked]) -> None:
        if self.away:
            raise NotStored("away")
        self.told.append(event)


@pytest.fixture
def bus(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> Bus:
    one = Bus()
    monkeypatch.setattr(door.inner, "resubmit", one.put)
    return one


def client_of(door: HttpDoor, tell: Tell) -> httpx.AsyncClient:
    async def ready() -> str:
        return ""

    app = make_app(door.inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"), Front(cancel=tell))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


async def open_turn(door: HttpDoor, who: Person) -> str:
    agent = await door.agent(who)
    made = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "hello"}, headers=who.headers)
    assert made.status_code == 202, made.text
    turn: str = made.json()["turn_id"]
    return turn


async def is_marked(door: HttpDoor, who: Person, turn: str) -> bool:
    owner = OwnerId(who.account.owner)
    return await asked.is_cancelled(door.stores.pools["orchestrator"], owner, TurnId(UUID(turn)))


async def test_an_open_turn_is_marked_and_told_each_time(door: HttpDoor, bus: Bus) -> None:
    ada = await door.person()
    turn = await open_turn(door, ada)
    assert not await is_marked(door, ada, turn)
    async with client_of(door, bus.cancel) as client:
        first = await client.delete(f"/v1/turns/{turn}", headers=ada.headers)
        again = await client.delete(f"/v1/turns/{turn}", headers=ada.headers)
    assert (first.status_code, first.json()["state"]) == (202, "accepted")
    assert again.json() == first.json()
    assert await is_marked(door, ada, turn)
    assert [(str(event.payload.turn_id), event.tenant) for event in bus.told] == [(turn, ada.account.owner)] * 2


async def test_foreign_and_unknown_turns_are_the_same_nothing(door: HttpDoor, bus: Bus) -> None:
    ada, eve = await door.person(), await door.person()
    turn = await open_turn(door, ada)
    async with client_of(door, bus.cancel) as client:
        answers = [await client.delete(f"/v1/turns/{which}", headers=eve.headers) for which in (turn, uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert not bus.told
    assert not await is_marked(door, ada, turn)


async def test_a_turn_that_has_ended_stays_as_it_is(door: HttpDoor, bus: Bus) -> None:
    ada = await door.person()
    turn = await open_turn(door, ada)
    found = await asked.load(door.stores.pools["gateway"], OwnerId(ada.account.owner), TurnId(UUID(turn)))
    assert found is not None
    ended = AskedEnd(found.correlation_id, ada.account.jid, "TIMEOUT", "too long", None, 3, NOW)
    async with door.stores.pools["orchestrator"].acquire() as connection, connection.transaction():
        await asked.end(connection, [ended])
    async with client_of(door, bus.cancel) as client:
        answer = await client.delete(f"/v1/turns/{turn}", headers=ada.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (202, "TIMEOUT")
    assert not bus.told
    assert not await is_marked(door, ada, turn)


async def test_a_bus_that_is_away_is_said_and_the_mark_stays(door: HttpDoor, bus: Bus) -> None:
    ada = await door.person()
    turn = await open_turn(door, ada)
    bus.away = True
    async with client_of(door, bus.cancel) as client:
        answer = await client.delete(f"/v1/turns/{turn}", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "HUB_BUSY")
    assert await is_marked(door, ada, turn)
