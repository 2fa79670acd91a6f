"""Agents over HTTP: as in SPEC 2, drafted, published, rolled back, shared, deleted; and unknown to everyone else."""

from __future__ import annotations

import base64
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest

import registry.agents
from gateway.app import make_api
from tests.integration.gateway.door import HttpDoor, Person
from tests.unit.aiox.kernel.test_avatar import PNG

SPEC_2 = {
    "profile": {"name": "Ada", "description": "", "system_prompt": "", "personality_traits": [], "avatar": ""},
    "llm_config": {
        "provider": "",
        "model": "",
        "temperature": 0.7,
        "max_tokens": 4096,
        "worker_pool": "default",
        "fallbacks": [],
    },
    "capabilities": {"domain_tags": [], "priority_weight": 0.5},
    "memory_config": {
        "type": "hybrid",
        "short_term_limit": 10,
        "long_term_enabled": True,
        "embedding_model": "sentence-transformers/all-MiniLM-L6-v2",
        "retention_days": 365,
    },
    "tools": [],
    "mcp_servers": [],
    "governance": {
        "max_tokens_per_minute": 1000,
        "max_tokens_per_day": 200_000,
        "max_memory_mb": 512,
        "max_concurrent": 4,
        "max_worker_ms": 60_000,
        "allowed_domains": [],
        "audit_log_enabled": True,
        "approvals": [],
    },
    "visibility": "private",
}
"""All that an owner writes, each with its default."""
AVATAR = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


class Agent:
    """One agent and the requests about it."""

    def __init__(self, door: HttpDoor, person: Person, path: str) -> None:
        self.door, self.person, self.path = door, person, path

    async def ask(self, method: str, rest: str = "", body: object = None, **headers: str) -> httpx.Response:
        return await self.door.client.request(
            method, self.path + rest, json=body, headers={**self.person.headers, **headers}
        )

    async def read(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("GET")).json()
        return found


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def agent(door: HttpDoor, ada: Person) -> Agent:
    return Agent(door, ada, f"/v1/agents/{await door.agent(ada)}")


async def test_what_is_left_out_has_the_defaults_of_the_specification(door: HttpDoor, ada: Person) -> None:
    for fields in (SPEC_2, {"profile": {"name": "Ada"}}):
        made = await door.client.post("/v1/agents", json=fields, headers=ada.headers)
        assert made.status_code == 201, made.text
        read = (await door.client.get(made.headers["location"], headers=ada.headers)).json()
        assert {name: read[name] for name in SPEC_2} == SPEC_2


async def test_the_draft_changes_nothing_until_it_is_published(agent: Agent) -> None:
    drafted = await agent.ask(
        "PATCH", body={"llm_config": {"temperature": 0.1}, "profile": {"system_prompt": "Be exact."}}
    )
    assert drafted.status_code == 200, drafted.text
    assert drafted.json()["llm_config"] == {**cast("dict[str, object]", SPEC_2["llm_config"]), "temperature": 0.1}
    again = await agent.ask("PATCH", body={"profile": {"description": "counts"}})
    assert again.json()["profile"]["system_prompt"] == "Be exact."
    assert again.json()["llm_config"]["temperature"] == 0.1
    read = await agent.read()
    assert (read["version"], read["has_draft"], read["llm_config"]["temperature"]) == (1, True, 0.7)
    difference = (await agent.ask("GET", "/diff")).json()
    assert (difference["before"], difference["after"]) == ("version 1", "draft")
    assert difference["changes"] == [
        {"path": "/llm_config/temperature", "kind": "changed", "before": "0.7", "after": "0.1"},
        {"path": "/profile/description", "kind": "changed", "before": '""', "after": '"counts"'},
    ]
    assert "+Be exact." in difference["system_prompt"]
    published = await agent.ask("POST", "/publish", {})
    assert published.json()["version"] == 2
    read = await agent.read()
    assert (read["version"], read["has_draft"], read["llm_config"]["temperature"]) == (2, False, 0.1)
    assert read["content_digest"] == published.json()["content_digest"]


async def test_a_rollback_publishes_nothing_and_moves_the_pointer(agent: Agent) -> None:
    await agent.ask("PATCH", body={"visibility": "public", "tools": [{"name": "search_api"}]})
    second = (await agent.ask("POST", "/publish", {})).json()
    await agent.ask("PATCH", body={"profile": {"name": "Eve"}})
    back = await agent.ask("POST", "/rollback", {"version": 1})
    assert (back.status_code, back.json()["version"]) == (200, 1)
    assert back.json()["policy_hash"] != second["policy_hash"]
    read = await agent.read()
    assert (read["visibility"], read["tools"], read["has_draft"]) == ("private", [], True)
    versions = (await agent.ask("GET", "/versions")).json()["items"]
    assert [one["version"] for one in versions] == [2, 1]
    whole = (await agent.ask("GET", "/versions/2")).json()
    assert (whole["visibility"], whole["content_digest"]) == ("public", second["content_digest"])
    assert [(await agent.ask("POST", "/rollback", {"version": n})).status_code for n in (1, 3)] == [409, 404]


async def test_nothing_to_publish_and_nothing_to_discard_are_conflicts(agent: Agent) -> None:
    assert (await agent.ask("POST", "/publish", {})).json()["code"] == "CONFLICT"
    assert (await agent.ask("DELETE", "/draft")).json()["code"] == "CONFLICT"
    assert (await agent.ask("GET", "/draft")).status_code == 404


async def test_a_whole_agent_replaces_the_draft(agent: Agent) -> None:
    await agent.ask("PATCH", body={"profile": {"description": "gone"}, "capabilities": {"domain_tags": ["tea"]}})
    put = await agent.ask("PUT", body={"profile": {"name": "Eve"}})
    assert (put.json()["profile"]["name"], put.json()["profile"]["description"]) == ("Eve", "")
    assert put.json()["capabilities"]["domain_tags"] == []
    assert (await agent.ask("PATCH", body={"governance": None})).json()["governance"] == SPEC_2["governance"]
    assert (await agent.ask("DELETE", "/draft")).status_code == 200
    assert not (await agent.read())["has_draft"]


@pytest.mark.parametrize(
    "body",
    [
        {"llm_config": {"temperature": 3}},
        {"tools": [{"name": "http_request"}, {"name": "http_request"}]},
        {"profile": {"name": ""}},
        {"profile": {"avatar": "sha256:" + "0" * 64}},
        {"profile": {"avatar": AVATAR.replace("png", "jpeg")}},
        {"mcp_servers": [{"name": "x", "transport": "stdio"}]},
        {"mcp_servers": [{"name": "x", "transport": "http", "url": "http://plain.example"}]},
        {"mcp_servers": [{"name": "x", "transport": "http", "url": "https://a.example", "credential": "sk-ABC"}]},
        {"jid": "a@b"},
    ],
)
async def test_a_draft_is_always_an_agent(agent: Agent, body: dict[str, object]) -> None:
    refused = await agent.ask("PATCH", body=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "BODY_INVALID")
    assert not (await agent.read())["has_draft"]


async def test_only_the_state_that_was_seen_is_changed(agent: Agent) -> None:
    seen = (await agent.ask("GET")).headers["etag"]
    first = await agent.ask("PATCH", body={"profile": {"name": "One"}}, **{"If-Match": seen})
    late = await agent.ask("PATCH", body={"profile": {"name": "Two"}}, **{"If-Match": seen})
    assert (first.status_code, late.status_code, late.json()["code"]) == (200, 412, "PRECONDITION_FAILED")
    assert (await agent.ask("GET")).headers["etag"] == first.headers["etag"] != seen
    for method, rest, body in (
        ("PUT", "", {"profile": {"name": "Two"}}),
        ("POST", "/publish", {}),
        ("POST", "/grants", {"grantee": "a@b.c"}),
        ("PUT", "/alias", {"alias": "late"}),
        ("DELETE", "", None),
    ):
        assert (await agent.ask(method, rest, body, **{"If-Match": seen})).status_code == 412, rest
    assert (await agent.ask("POST", "/publish", {}, **{"If-Match": first.headers["etag"]})).json()["version"] == 2


async def test_grants_hold_without_a_new_version(agent: Agent) -> None:
    shared = await agent.ask("POST", "/grants", {"grantee": "Guest@Example.org"})
    assert shared.json()["shared_with"] == ["guest@example.org"]
    again = await agent.ask("POST", "/grants", {"grantee": "guest@example.org"})
    assert again.json()["revision"] == shared.json()["revision"]
    assert (await agent.read())["version"] == 1
    taken = await agent.ask("DELETE", "/grants/guest@example.org")
    assert taken.json()["shared_with"] == []
    assert (await agent.ask("DELETE", "/grants/guest@example.org")).status_code == 404


async def test_an_alias_is_one_agents_for_good(door: HttpDoor, agent: Agent) -> None:
    name, other = f"a{uuid4().hex[:12]}", await door.person()
    given = await agent.ask("PUT", "/alias", {"alias": name.upper()})
    assert given.json()["jid"] == f"{name}@agents.localhost"
    rival = Agent(door, other, f"/v1/agents/{await door.agent(other)}")
    assert (await rival.ask("PUT", "/alias", {"alias": name})).status_code == 409
    assert (await agent.ask("PUT", "/alias", {"alias": ""})).json()["alias"] == ""
    assert (await rival.ask("PUT", "/alias", {"alias": name})).status_code == 409
    made = await door.client.post("/v1/agents", json={"profile": {"name": "x"}, "alias": name}, headers=other.headers)
    assert made.status_code == 409
    assert (await agent.ask("PUT", "/alias", {"alias": name})).json()["alias"] == name
    assert (await rival.ask("PUT", "/alias", {"alias": "admin"})).status_code == 422


async def test_an_avatar_is_part_of_a_version_and_served_with_a_tag(agent: Agent) -> None:
    assert (await agent.ask("GET", "/avatar")).status_code == 404
    drafted = await agent.ask("PATCH", body={"profile": {"avatar": AVATAR}})
    ref = drafted.json()["profile"]["avatar"]
    assert ref.startswith("sha256:")
    await agent.ask("POST", "/publish", {})
    image = await agent.ask("GET", "/avatar")
    assert (image.content, image.headers["content-type"]) == (PNG, "image/png")
    assert (await agent.ask("GET", "/avatar", **{"If-None-Match": image.headers["etag"]})).status_code == 304
    assert (await agent.ask("PATCH", body={"profile": {"avatar": ref, "name": "Eve"}})).status_code == 200
    await agent.ask("POST", "/rollback", {"version": 1})
    assert (await agent.ask("GET", "/avatar")).status_code == 404
    await agent.ask("POST", "/rollback", {"version": 2})
    assert (await agent.ask("GET", "/avatar")).content == PNG


async def test_a_deleted_agent_is_unknown_and_can_come_back(agent: Agent) -> None:
    before = await agent.read()
    assert (await agent.ask("DELETE")).status_code == 200
    assert (await agent.ask("GET")).status_code == 404
    client, headers = agent.door.client, agent.person.headers
    assert (await client.get("/v1/agents", headers=headers)).json()["items"] == []
    gone = (await client.get("/v1/agents?deleted=true", headers=headers)).json()["items"]
    assert [(one["agent_id"], one["deleted_at"] is not None) for one in gone] == [(before["agent_id"], True)]
    assert (await agent.ask("POST", "/restore", {})).status_code == 200
    assert {**await agent.read(), "revision": 0} == {**before, "revision": 0}
    assert (await agent.ask("POST", "/restore", {})).status_code == 404
    assert (await agent.ask("POST", "/purge", {})).status_code == 404  # only what is deleted is purged
    await agent.ask("DELETE")
    assert (await agent.ask("POST", "/purge", {})).status_code == 200
    assert (await agent.ask("POST", "/restore", {})).status_code == 404


async def test_lists_come_in_pages(door: HttpDoor, ada: Person) -> None:
    made = [await door.agent(ada, f"n{number}") for number in range(5)]
    found: list[str] = []
    path = "/v1/agents?limit=2"
    while path:
        page = (await door.client.get(path, headers=ada.headers)).json()
        found += [one["agent_id"] for one in page["items"]]
        path = f"/v1/agents?limit=2&after={page['next']}" if page["next"] else ""
    assert found == made


async def test_every_template_makes_an_agent(door: HttpDoor, ada: Person) -> None:
    listed = (await door.client.get("/v1/templates", headers=ada.headers)).json()["items"]
    assert len(listed) >= 6
    for one in listed:
        assert one["usage"]
        assert one["agent"]["profile"]["system_prompt"]
        made = await door.client.post("/v1/agents", json=one["agent"], headers=ada.headers)
        assert made.status_code == 201, made.text


BODIES: dict[str, object] = {
    "patch": {"profile": {"name": "x"}},
    "put": {"profile": {"name": "x"}},
    "publish": {},
    "rollback": {"version": 1},
    "restore": {},
    "purge": {},
    "grants": {"grantee": "a@b.c"},
    "alias": {"alias": "somebody"},
}


def agent_routes() -> list[tuple[str, str]]:
    """Every route of part 'agents' that names one agent."""
    paths = make_api(cast("Any", None), cast("Any", None), cast("Any", _Nowhere())).openapi()["paths"]
    return [
        (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if path.startswith("/v1/agents/{agent_id}") and operation["tags"][0].startswith("agent")
    ]


class _Nowhere:
    def __truediv__(self, _name: str) -> _Nowhere:
        return self

    def is_file(self) -> bool:
        return False


async def test_unknown_deleted_and_foreign_agents_are_the_same_to_every_route(
    door: HttpDoor, ada: Person, agent: Agent
) -> None:
    mine, foreign = agent.path.rpartition("/")[2], await door.agent(await door.person())
    await agent.ask("DELETE")
    routes = agent_routes()
    assert len(routes) >= 16
    for method, path in routes:
        last = path.rpartition("/")[2]
        body = None if method in ("GET", "DELETE") else BODIES.get(last, BODIES.get(method.lower()))
        asked = [mine, foreign, str(uuid4())]
        if last in ("restore", "purge"):
            asked[0] = await door.agent(ada)  # of these, the one that lives is unknown
        answers = [
            await door.client.request(
                method,
                path.replace("{agent_id}", one).replace("{version}", "1").replace("{grantee}", "a@b.c"),
                json=body,
                headers=ada.headers,
            )
            for one in asked
        ]
        assert {answer.status_code for answer in answers} == {404}, (method, path, answers[0].text)
        assert len({answer.content for answer in answers}) == 1, (method, path)


async def test_changes_are_in_the_ledger_with_digests_and_no_texts(agent: Agent) -> None:
    secret = f"secret {uuid4()}"
    await agent.ask("PATCH", body={"profile": {"system_prompt": secret, "description": secret}})
    published = (await agent.ask("POST", "/publish", {})).json()
    await agent.ask("POST", "/rollback", {"version": 1})
    await agent.ask("DELETE")
    async with agent.door.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT event_type, details::text AS details FROM audit_logs WHERE owner_user_id = $1"
            " AND event_type LIKE 'agent.%' ORDER BY seq",
            UUID(str(agent.person.account.owner)),
        )
    assert [row["event_type"] for row in rows] == [
        "agent.created",
        "agent.draft_changed",
        "agent.published",
        "agent.rolled_back",
        "agent.deleted",
    ]
    assert published["content_digest"] in rows[2]["details"]
    assert all(secret not in row["details"] for row in rows)


async def test_so_many_agents_and_no_more(door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted ones count until they are purged: nobody fills the hub by making and deleting."""
    monkeypatch.setattr(registry.agents, "MOST", 2)
    await door.client.delete(f"/v1/agents/{await door.agent(ada)}", headers=ada.headers)
    await door.agent(ada)
    third = await door.client.post("/v1/agents", json={"profile": {"name": "three"}}, headers=ada.headers)
    assert (third.status_code, third.json()["code"]) == (409, "CONFLICT")
    await door.agent(await door.person())
