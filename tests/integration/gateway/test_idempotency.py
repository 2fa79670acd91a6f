"""Idempotency-Key on any POST: done once, answered the same way; another body, or a request under way, is told."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
import structlog

from gateway.guard import Message, Receive, Scope, Send
from gateway.idempotency import MAX_KEPT_BYTES, Idempotent
from registry.idempotency import Keys
from tests.integration.gateway.door import HttpDoor, Person

FIELDS = {"profile": {"name": "Ada"}}


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


def under(person: Person, key: str) -> dict[str, str]:
    return {**person.headers, "Idempotency-Key": key}


async def agents_of(door: HttpDoor, person: Person) -> int:
    return len((await door.client.get("/v1/agents", headers=person.headers)).json()["items"])


async def test_the_same_request_is_done_once_and_answered_the_same(door: HttpDoor, ada: Person) -> None:
    first, again = [await door.client.post("/v1/agents", json=FIELDS, headers=under(ada, "k")) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert "default-src 'none'" in again.headers["content-security-policy"]
    assert await agents_of(door, ada) == 1


@pytest.mark.control
async def test_control_without_a_key_it_is_done_twice(door: HttpDoor, ada: Person) -> None:
    for _ in range(2):
        assert (await door.client.post("/v1/agents", json=FIELDS, headers=ada.headers)).status_code == 201
    assert await agents_of(door, ada) == 2


async def test_another_body_under_the_key_is_refused(door: HttpDoor, ada: Person) -> None:
    await door.client.post("/v1/agents", json=FIELDS, headers=under(ada, "k"))
    other = await door.client.post("/v1/agents", json={"profile": {"name": "Eve"}}, headers=under(ada, "k"))
    assert (other.status_code, other.json()["code"]) == (422, "KEY_REUSED")
    assert await agents_of(door, ada) == 1


async def test_a_key_is_ones_own_and_of_one_route(door: HttpDoor, ada: Person) -> None:
    eve = await door.person()
    made = [
        (await door.client.post("/v1/agents", json=FIELDS, headers=under(who, "k"))).json()["agent_id"]
        for who in (ada, eve)
    ]
    assert len(set(made)) == 2
    asked = await door.client.post(f"/v1/dead-letters/{uuid4()}/drop", headers=under(ada, "k"))
    assert asked.status_code == 404


async def test_what_was_refused_may_be_mended_under_the_same_key(door: HttpDoor, ada: Person) -> None:
    bad = await door.client.post("/v1/agents", json={"profile": {}}, headers=under(ada, "k"))
    assert bad.status_code == 422
    good = await door.client.post("/v1/agents", json=FIELDS, headers=under(ada, "k"))
    assert good.status_code == 201


async def test_of_many_at_once_one_is_done(door: HttpDoor, ada: Person) -> None:
    answers = await asyncio.gather(
        *(door.client.post("/v1/agents", json=FIELDS, headers=under(ada, "k")) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"KEY_IN_USE"}
    assert len({answer.json()["agent_id"] for answer in answers if answer.status_code == 201}) == 1
    assert await agents_of(door, ada) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "schlüssel"])
async def test_what_is_no_key_is_refused(door: HttpDoor, ada: Person, key: str) -> None:
    given = {**ada.headers, "Idempotency-Key": key}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    answer = await door.client.post("/v1/agents", json=FIELDS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_two_keys_are_none(door: HttpDoor, ada: Person) -> None:
    headers = [*ada.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await door.client.post("/v1/agents", json=FIELDS, headers=headers)).status_code == 422


async def test_a_long_answer_is_not_kept_and_a_broken_request_frees_its_key(door: HttpDoor, ada: Person) -> None:
    """An application of our own inside: the layer must treat both alike, whatever the route."""
    hub = door.inner.hub
    said: list[Message] = []
    actor = await door.inner.actor(ada.headers["Authorization"])

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        if body == b"break":
            raise RuntimeError("broken")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * (MAX_KEPT_BYTES + 1)})

    async def receive(body: bytes) -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    layer = Idempotent(app, Keys(hub.pool, hub.keys), hub.clock.now, structlog.get_logger())

    async def post(key: str, body: bytes) -> None:
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/x",
            "headers": [(b"idempotency-key", key.encode())],
            "state": {"actor": actor},
        }
        await layer(scope, lambda: receive(body), send)

    for _ in range(2):
        await post("long", b"1")
    assert [one["status"] for one in said if "status" in one] == [200, 200]
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await post("broken", b"break")
