"""Somebody else's ids on every route: each says what it says of an id that nobody has, and nothing of theirs changes.

The routes come from the OpenAPI document, their bodies from schemathesis: a new route is asked without a line here.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from tests.integration.gateway.door import HttpDoor, Person
from tests.integration.gateway.test_document import Served, operations, served
from tests.integration.gateway.test_governance import waiting
from tests.security.registry.catalogue import owner_tables

__all__ = ["served"]

OWN = {
    "/v1/credentials/{kind}/{provider}": "names of providers, of which everybody has their own",
    "/v1/credentials/{kind}/{provider}/test": "the same",
    "/v1/ledger/checkpoints/{old}/consistency": "checkpoints are public",
}
"""Routes whose ids are nobody's, and why."""
OF_THE_HUB = ("/v1/peers/{name}",)
"""What only the hub's admins read; Ada is none."""
IN_AGENTS = ("document_id", "memory_id")
LEFT_OUT = {"audit_logs": "that somebody tried stands in the ledger", "sessions": "Ada's own requests are noted there"}


@dataclass(frozen=True)
class Prey:
    """Somebody who has one of everything, by the names that routes give it."""

    person: Person
    ids: dict[str, str]


@pytest.fixture
async def prey(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> Prey:
    async def takes(_envelope: object) -> None:
        """Puts it nowhere."""

    monkeypatch.setattr(door.inner, "resubmit", takes)
    ada, friend = await door.person(), await door.person()
    agent = await door.agent(ada)
    return Prey(ada, {
        "agent_id": agent,
        "version": "1",
        "grantee": friend.account.jid,
        "user_id": str(ada.account.owner),
        "document_id": (await _made(door, ada, "PUT", f"/v1/agents/{agent}/documents", DOCUMENT))["document_id"],
        "turn_id": (await _made(door, ada, "POST", f"/v1/agents/{agent}/messages", {"text": "hello"}))["turn_id"],
        "session_id": (await _made(door, ada, "GET", "/v1/sessions"))["items"][0]["id"],
        "approval_id": str((await waiting(door, ada)).id),
        "memory_id": str(await _remembered(door, ada, agent)),
        "seq": str((await _made(door, ada, "GET", "/v1/ledger"))["items"][0]["seq"]),
        **await _organisation(door, ada, friend),
    })  # fmt: skip


DOCUMENT = {"title": "t", "source": "s", "content": "words of hers"}


async def _made(door: HttpDoor, who: Person, method: str, path: str, body: Any = None) -> Any:
    answer = await door.client.request(method, path, json=body, headers=who.headers)
    assert answer.is_success, answer.text
    return answer.json()


async def _organisation(door: HttpDoor, ada: Person, friend: Person) -> dict[str, str]:
    where = "/v1/organisations"
    found = (await _made(door, ada, "POST", where, {"name": "House"}))["id"]
    invited = await _made(door, ada, "POST", f"{where}/{found}/invitations", {"email": friend.email})
    return {"organisation_id": found, "invitation_id": invited["id"], "scope": found, "name": found}


async def _remembered(door: HttpDoor, ada: Person, agent: str) -> UUID:
    one = uuid4()
    async with door.stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO aiox.agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, content,"
            " created_at) VALUES ($1, $2, $3, 'subject', $4, 'fact', 'hers', now())",
            *(one, ada.account.owner, UUID(agent), ada.account.jid),
        )
    return one


def taking_ids() -> Iterator[Any]:
    """Operations that name something of somebody's."""
    return (one for one in operations() if "{" in one.path and one.path not in OWN)


async def everything_of(door: HttpDoor, who: Person) -> dict[str, list[str]]:
    """All rows of this person, table by table."""
    found = {}
    async with door.stores.superuser() as connection:
        for table in await owner_tables(connection):
            if table.name not in LEFT_OUT:
                rows = await connection.fetch(
                    f"SELECT to_jsonb(t)::text AS row FROM aiox.{table.name} t WHERE {table.owner_column} = $1"
                    " ORDER BY 1",
                    who.account.owner,
                )
                found[table.name] = [row["row"] for row in rows]
    return found


async def answers(served: Served, operation: Any, eve: Person, ids: list[dict[str, str]]) -> list[tuple[int, bytes]]:
    """What one request says with each of these ids in its path."""
    said: list[tuple[int, bytes]] = []

    def one(case: Case[Any]) -> None:
        for chosen in ids:
            case.path_parameters = {
                name: chosen.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
            answer = case.call(base_url=served.url, headers=eve.headers, timeout=30)
            said.append((answer.status_code, answer.content))

    limits = settings(
        max_examples=1,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    strategy = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    await asyncio.to_thread(limits(given(case=strategy)(one)))
    return said


def nobodys(names: dict[str, str]) -> dict[str, str]:
    """Ids of the same form that nobody has."""
    fixed = {"version": "999", "seq": str(10**15), "grantee": f"{uuid4().hex}@localhost"}
    return {name: fixed.get(name, str(uuid4())) for name in names}


@pytest.fixture
async def unchanged(door: HttpDoor, prey: Prey) -> AsyncIterator[None]:
    before = await everything_of(door, prey.person)
    assert {"agents", "documents", "asked_turns", "approvals", "agent_memories"} <= {
        name for name, rows in before.items() if rows
    }
    yield
    assert await everything_of(door, prey.person) == before


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("unchanged")
async def test_somebody_elses_ids_are_nobodys_on_every_route(served: Served, prey: Prey) -> None:
    eve = await served.door.person()
    asked, hers = 0, {"agent_id": await served.door.agent(eve)}
    for operation in taking_ids():
        inside = any(f"{{{name}}}" in operation.path for name in IN_AGENTS)
        for mixed in ({}, hers) if inside else ({},):  # also: what is in Ada's agent, asked for in Eve's own
            foreign, unknown = {**prey.ids, **mixed}, {**nobodys(prey.ids), **mixed}
            said = await answers(served, operation, eve, [foreign, unknown])
            assert len(said) == 2
            assert said[0] == said[1], operation.label
            assert 400 <= said[0][0] < 500, f"{operation.label}: {said[0]}"
            asked += 1
    assert asked > 50


@pytest.mark.control
async def test_control_with_her_own_ids_the_same_requests_get_somewhere(served: Served, prey: Prey) -> None:
    """Without this, all could be won by saying no to everybody."""
    reached = []
    for operation in taking_ids():
        if operation.method.lower() == "get" and operation.path not in OF_THE_HUB:
            [(status, _)] = await answers(served, operation, prey.person, [prey.ids])
            reached.append(status == 200)
    assert sum(reached) >= len(reached) - 6, "a deleted thing, a proof without a checkpoint, a draft that is not there"
