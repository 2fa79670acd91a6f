"""What an agent remembers about somebody, over HTTP and in the chat: theirs to see and to have forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from aiox.commands import chat_memory
from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId
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
