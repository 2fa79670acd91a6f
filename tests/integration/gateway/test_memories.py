"""What an agent remembers about somebody, over HTTP and in the chat: theirs to see and to have forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from aiox.commands import chat_memory
from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId
from policy.ledger import Record
from registry import ledger
from registry.retention import sweep_memories
from tests.integration.gateway.door import HttpDoor, Person
from tests.stores import NOW, Stores


@dataclass(frozen=True)
class Shared:
    """Ada's agent, which Eve may talk to, and what it remembers of each."""

    door: HttpDoor
    agent: str
    ada: Person
    eve: Person

    @property
    def where(self) -> str:
        return f"/v1/agents/{self.agent}/memories"

    async def told(self, person: Person, fact: str, days_ago: int = 0) -> UUID:
        one = uuid4()
        async with self.door.stores.superuser() as connection:
            await connection.execute(
                "INSERT INTO aiox.agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, content,"
                " created_at) VALUES ($1, $2, $3, 'subject', $4, 'fact', $5, clock_timestamp() - $6::interval)",
                one,
                self.ada.account.owner,
                UUID(self.agent),
                person.account.jid,
                fact,
                timedelta(days=days_ago),
            )
        return one

    async def seen(self, person: Person) -> list[str]:
        answer = await self.door.client.get(self.where, headers=person.headers)
        return [one["content"] for one in answer.json()["items"]]


@pytest.fixture
async def shared(door: HttpDoor) -> Shared:
    ada, eve = await door.person(), await door.person()
    agent = await door.agent(ada)
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE aiox.agents SET visibility = 'public' WHERE id = $1", UUID(agent))
    return Shared(door, agent, ada, eve)


async def test_each_sees_and_forgets_their_own(shared: Shared) -> None:
    await shared.told(shared.ada, "my cat is called Ada")
    eves = await shared.told(shared.eve, "my train leaves at nine")
    assert await shared.seen(shared.ada) == ["my cat is called Ada"]
    assert await shared.seen(shared.eve) == ["my train leaves at nine"]
    for person, status in ((shared.ada, 404), (shared.eve, 204), (shared.eve, 404)):
        gone = await shared.door.client.delete(f"{shared.where}/{eves}", headers=person.headers)
        assert gone.status_code == status
    assert await shared.seen(shared.eve) == []
    assert await shared.seen(shared.ada) == ["my cat is called Ada"]


async def test_all_is_forgotten_at_once_and_only_ones_own(shared: Shared) -> None:
    for fact in ("one", "two"):
        await shared.told(shared.eve, fact)
    await shared.told(shared.ada, "three")
    gone = await shared.door.client.delete(shared.where, headers=shared.eve.headers)
    assert (gone.status_code, gone.json()) == (200, {"entries": 2})
    assert await shared.seen(shared.ada) == ["three"]


async def test_a_stranger_is_told_nothing(shared: Shared, door: HttpDoor) -> None:
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE aiox.agents SET visibility = 'private' WHERE id = $1", UUID(shared.agent))
    await shared.told(shared.eve, "one")
    for method, path in (("GET", ""), ("DELETE", ""), ("DELETE", f"/{uuid4()}")):
        answer = await door.client.request(method, f"{shared.where}{path}", headers=shared.eve.headers)
        assert answer.status_code == 404


async def test_in_the_chat_it_is_listed_by_number_and_forgotten_by_number(shared: Shared) -> None:
    hub, agent = shared.door.inner.hub, AgentId(UUID(shared.agent))
    eve = Actor(shared.eve.account.owner, shared.eve.account.jid)
    assert await chat_memory.memory(hub, eve, agent) == chat_memory.NOTHING
    await shared.told(shared.eve, "my train leaves at nine", days_ago=2)
    await shared.told(shared.eve, "I like tea", days_ago=1)
    await shared.told(shared.ada, "secret")
    listed = (await chat_memory.memory(hub, eve, agent)).splitlines()
    assert [line.split(" (")[0] for line in listed[1:]] == ["1. my train leaves at nine", "2. I like tea"]
    assert await chat_memory.forget(hub, eve, agent, "3") == chat_memory.WHICH
    assert await chat_memory.forget(hub, eve, agent, "") == chat_memory.WHICH
    assert await chat_memory.forget(hub, eve, agent, "1") == "Forgotten: my train leaves at nine"
    assert await chat_memory.forget(hub, eve, agent, "ALL") == "Forgotten: 1 entry."
    assert await shared.seen(shared.ada) == ["secret"]


async def test_what_is_older_than_the_agent_keeps_it_goes_by_itself(shared: Shared, stores: Stores) -> None:
    await shared.told(shared.eve, "old", days_ago=366)
    await shared.told(shared.eve, "new", days_ago=364)
    async with stores.superuser() as connection:
        document = uuid4()
        await connection.execute(
            "INSERT INTO aiox.agent_memories (id, owner_user_id, agent_id, scope, kind, content, created_at)"
            " VALUES ($1, $2, $3, 'agent', 'chunk', 'of a document', $4)",
            document,
            shared.ada.account.owner,
            UUID(shared.agent),
            NOW - timedelta(days=3000),
        )
    await sweep_memories(stores.pools["orchestrator"], datetime.now(UTC))
    assert await shared.seen(shared.eve) == ["new"]
    async with stores.superuser() as connection:
        assert await connection.fetchval("SELECT true FROM aiox.agent_memories WHERE id = $1", document)


async def call(shared: Shared, person: Person, method: str, path: str = "", **more: Any) -> Any:
    headers = {**person.headers, **more.pop("headers", {})}
    return await shared.door.client.request(method, f"{shared.where}{path}", headers=headers, **more)


async def test_each_writes_and_puts_right_their_own(shared: Shared) -> None:
    wrote = await call(shared, shared.eve, "POST", json={"content": "  my train \n leaves at nine "})
    assert (wrote.status_code, wrote.json()["content"]) == (201, "my train leaves at nine")
    one = f"/{wrote.json()['id']}"
    read = await call(shared, shared.eve, "GET", one)
    assert (read.json(), read.headers["ETag"]) == (wrote.json(), wrote.headers["ETag"])
    right = await call(
        shared, shared.eve, "PUT", one, json={"content": "at ten"}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (right.status_code, right.json()["content"], right.json()["id"]) == (200, "at ten", wrote.json()["id"])
    assert right.headers["ETag"] != read.headers["ETag"]
    stale = await call(
        shared, shared.eve, "PUT", one, json={"content": "no"}, headers={"If-Match": read.headers["ETag"]}
    )
    assert stale.status_code == 412
    assert await shared.seen(shared.eve) == ["at ten"]
    assert await shared.seen(shared.ada) == []
    for method, body in (("GET", None), ("PUT", {"content": "mine now"}), ("DELETE", None)):
        assert (await call(shared, shared.ada, method, one, json=body)).status_code == 404
    assert await shared.seen(shared.eve) == ["at ten"]


@pytest.mark.parametrize("content", ["", " \n ", "x" * 2001, 7, "a\x00b"])
async def test_what_is_no_entry_is_refused(shared: Shared, content: object) -> None:
    assert (await call(shared, shared.eve, "POST", json={"content": content})).status_code == 422
    assert await shared.seen(shared.eve) == []


async def test_a_stranger_writes_nothing(shared: Shared, door: HttpDoor) -> None:
    mine = await shared.told(shared.eve, "one")
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE aiox.agents SET visibility = 'private' WHERE id = $1", UUID(shared.agent))
    for method, path in (("POST", ""), ("GET", f"/{mine}"), ("PUT", f"/{mine}")):
        body = None if method == "GET" else {"content": "two"}
        assert (await call(shared, shared.eve, method, path, json=body)).status_code == 404
    assert (await door.client.get(f"/v1/agents/{shared.agent}/sources", headers=shared.eve.headers)).status_code == 404


async def test_without_room_nothing_is_written_and_a_guest_is_not_told_how_full_it_is(shared: Shared) -> None:
    async with shared.door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE aiox.users SET quota_config = jsonb_set(quota_config, '{max_memory_mb}', '0') WHERE id = $1",
            shared.ada.account.owner,
        )
    guest = await call(shared, shared.eve, "POST", json={"content": "one"})
    owner = await call(shared, shared.ada, "POST", json={"content": "one"})
    assert (guest.status_code, owner.status_code) == (507, 507)
    assert "MiB" not in guest.text
    assert "MiB" in owner.text


async def test_in_the_chat_an_entry_is_put_right_by_number(shared: Shared) -> None:
    hub, agent = shared.door.inner.hub, AgentId(UUID(shared.agent))
    eve = Actor(shared.eve.account.owner, shared.eve.account.jid)
    await shared.told(shared.eve, "my train leaves at nine")
    await shared.told(shared.ada, "secret")
    for words, answer in (
        ("2 no", chat_memory.WHICH),
        ("1", chat_memory.WORDS_WANTED),
        ("one two", chat_memory.WHICH),
        ("1 at  ten", "I remember now: at ten"),
    ):
        assert await chat_memory.memory(hub, eve, agent, words) == answer
    assert await shared.seen(shared.eve) == ["at ten"]
    assert await shared.seen(shared.ada) == ["secret"]
    assert "1. at ten (written by you, " in await chat_memory.memory(hub, eve, agent)


async def answered(shared: Shared, person: Person, recalled: Sequence[UUID]) -> UUID:
    """A turn with its execution and its ledger row, as the orchestrator concludes it."""
    turn, correlation, now = uuid4(), uuid4(), datetime.now(UTC)
    details: dict[str, Any] = {"outcome": "answered", "recalled": [str(one) for one in recalled]}
    record = Record(
        id=uuid4(),
        owner=shared.ada.account.owner,
        event_type="turn.concluded",
        severity="info",
        details=details,
        created_at=now,
        actor=person.account.jid,
        correlation_id=correlation,
        request_id=turn,
    )
    await ledger.append(shared.door.stores.pools["orchestrator"], [record])
    async with shared.door.stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, outcome, tokens_used, tools_called,"
            " worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id, created_at)"
            " VALUES ($1, $2, $3, $4, 'answered', 1, '[]', 'w', 1, 1, 1, '{}', $5, $6)",
            uuid4(),
            shared.ada.account.owner,
            UUID(shared.agent),
            person.account.jid,
            correlation,
            now,
        )
    return turn


async def sources(shared: Shared, person: Person, turn: UUID | None = None) -> Any:
    asked = {} if turn is None else {"turn_id": str(turn)}
    return await shared.door.client.get(f"/v1/agents/{shared.agent}/sources", params=asked, headers=person.headers)


async def test_who_told_you_that(shared: Shared) -> None:
    none = await sources(shared, shared.eve)
    assert none.status_code == 404
    hers, gone = await shared.told(shared.eve, "my train leaves at nine"), uuid4()
    first = await answered(shared, shared.eve, [hers, gone])
    newest = await answered(shared, shared.eve, [])
    found = (await sources(shared, shared.eve, first)).json()
    assert found["turn_id"] == str(first)
    assert [(one["memory_id"], one["kind"], one["content"]) for one in found["sources"]] == [
        (str(hers), "fact", "my train leaves at nine"),
        (str(gone), "", ""),
    ]
    assert (await sources(shared, shared.eve)).json()["turn_id"] == str(newest)


async def test_nobody_is_told_the_sources_of_anothers_answer(shared: Shared) -> None:
    """Not even by the turn's id; and an id of another's memory, should one be on record, tells nothing."""
    hers = await shared.told(shared.eve, "my secret")
    turn = await answered(shared, shared.eve, [hers])
    assert (await sources(shared, shared.ada, turn)).status_code == 404
    await answered(shared, shared.ada, [hers])
    (one,) = (await sources(shared, shared.ada)).json()["sources"]
    assert (one["kind"], one["content"]) == ("", "")


@pytest.mark.control
async def test_who_was_answered_is_told_the_same(shared: Shared) -> None:
    hers = await shared.told(shared.eve, "my secret")
    turn = await answered(shared, shared.eve, [hers])
    (one,) = (await sources(shared, shared.eve, turn)).json()["sources"]
    assert (one["kind"], one["content"]) == ("fact", "my secret")


async def test_a_summary_moves_no_entrys_number(shared: Shared) -> None:
    await shared.told(shared.eve, "older than the fact", days_ago=3)
    async with shared.door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE aiox.agent_memories SET kind = 'summary' WHERE content = 'older than the fact'"
        )
    await shared.told(shared.eve, "the fact", days_ago=2)
    assert await shared.seen(shared.eve) == ["the fact", "older than the fact"]
