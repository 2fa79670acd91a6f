"""The API end to end on real stores: sign in, create, read, documents, and what comes back when it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.integration.gateway.door import PASSWORD, HttpDoor, Person

PROBLEM = "application/problem+json"


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def eve(door: HttpDoor) -> Person:
    return await door.person()


async def test_wrong_password_and_unknown_address_look_the_same(door: HttpDoor, ada: Person) -> None:
    answers = [
        await door.client.post("/v1/sessions", json={"email": email, "password": "wrong horse battery"})
        for email in (ada.email, "nobody@example.org")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].content == answers[1].content
    assert dict(answers[0].headers) == dict(answers[1].headers)


async def test_an_agent_from_creation_to_reading(door: HttpDoor, ada: Person) -> None:
    fields = {
        "profile": {"name": "Ada", "description": "counts", "system_prompt": "Be exact."},
        "llm_config": {"temperature": 0.1},
        "tools": [{"name": "http_request", "policy": {"allowed_domains": ["example.org"]}}],
        "visibility": "shared",
        "shared_with": ["Guest@Localhost"],
    }
    created = await door.client.post("/v1/agents", json=fields, headers=ada.headers)
    assert created.status_code == 201
    read = (await door.client.get(created.headers["location"], headers=ada.headers)).json()
    assert read["jid"] == created.json()["jid"] == f"agent-{read['agent_id']}@agents.localhost"
    assert read["profile"]["system_prompt"] == "Be exact."
    assert read["shared_with"] == ["guest@localhost"]
    assert read["llm_config"] == {
        "provider": "",
        "model": "",
        "temperature": 0.1,
        "max_tokens": 4096,
        "worker_pool": "default",
        "fallbacks": [],
    }
    assert read["governance"]["max_tokens_per_minute"] == 1000
    assert read["descriptor"]["policy_hash"] == read["policy_hash"] == created.json()["policy_hash"]
    listed = (await door.client.get("/v1/agents", headers=ada.headers)).json()["items"]
    assert [agent["agent_id"] for agent in listed] == [read["agent_id"]]


async def test_the_prompt_is_not_in_the_database_in_clear(door: HttpDoor, ada: Person) -> None:
    secret = f"secret {uuid4()}"
    await door.client.post(
        "/v1/agents", json={"profile": {"name": "Ada", "system_prompt": secret}}, headers=ada.headers
    )
    async with door.stores.superuser() as connection:
        for table in ("agents", "agent_versions", "audit_logs"):
            rows = await connection.fetch(f"SELECT t::text AS text FROM {table} t")  # noqa: S608
            assert all(secret not in row["text"] and secret.encode().hex() not in row["text"] for row in rows)


async def test_documents_are_put_once(door: HttpDoor, ada: Person) -> None:
    where = f"/v1/agents/{await door.agent(ada)}/documents"
    document = {"title": "Notes", "source": "notes.md", "media_type": "text/markdown", "content": "# One"}
    stored = [(await door.client.put(where, json=document, headers=ada.headers)).json() for _ in range(2)]
    assert [one["stored"] for one in stored] == ["created", "unchanged"]
    changed = await door.client.put(where, json={**document, "content": "# Two"}, headers=ada.headers)
    assert changed.json()["stored"] == "replaced"
    listed = (await door.client.get(where, headers=ada.headers)).json()["items"]
    assert [(one["id"], one["state"]) for one in listed] == [(changed.json()["document_id"], "waiting")]


async def test_an_agent_without_turns_has_no_executions(door: HttpDoor, ada: Person) -> None:
    agent_id = await door.agent(ada)
    answer = await door.client.get(f"/v1/agents/{agent_id}/executions", headers=ada.headers)
    assert answer.json() == {"items": []}


async def test_a_foreign_agent_is_an_unknown_agent(door: HttpDoor, ada: Person, eve: Person) -> None:
    document = {"title": "t", "source": "s", "content": "c"}
    for rest in ("", "/documents", "/executions"):
        foreign, unknown = [
            await door.client.get(f"/v1/agents/{agent_id}{rest}", headers=eve.headers)
            for agent_id in (await door.agent(ada), uuid4())
        ]
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
        assert foreign.status_code == 404
    foreign, unknown = [
        await door.client.put(f"/v1/agents/{agent_id}/documents", json=document, headers=eve.headers)
        for agent_id in (await door.agent(ada), uuid4())
    ]
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


@pytest.mark.parametrize("path", ["/v1/agents", "/v1/agents/x", "/v1/agents/x/documents", "/v1/nothing", "/v1/"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic eA=="}, {"Authorization": "Bearer x.y.z"}])
async def test_without_a_token_nothing_is_told(door: HttpDoor, path: str, headers: dict[str, str]) -> None:
    for answer in (
        await door.client.get(path, headers=headers),
        await door.client.post(path, content=b"not json", headers=headers),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)


async def test_a_deactivated_account_is_out_at_once(door: HttpDoor, ada: Person) -> None:
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE users SET deactivated_at = now() WHERE id = $1", ada.account.owner)
    assert (await door.client.get("/v1/agents", headers=ada.headers)).status_code == 401
    again = await door.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    assert again.status_code == 401


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b'{"name": "x"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"name": "x"}', "", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"", "application/json", 422, "BODY_INVALID"),
        (b"{", "application/json", 422, "BODY_INVALID"),
        (b"[" * 100_000, "application/json", 422, "BODY_INVALID"),
        (b"[]", "application/json", 422, "BODY_INVALID"),
        (b"\xff", "application/json", 422, "BODY_INVALID"),
        (b'{"profile": {"name": ""}}', "application/json", 422, "BODY_INVALID"),
        (b'{"profile": {"name": "a\\u0000"}}', "application/json", 422, "BODY_INVALID"),
        (b'{"profile": {"name": "a", "system_prompt": "\\ud800"}}', "application/json", 422, "BODY_INVALID"),
        (b'{"profile": {"name": "a", "description": "\\u0000"}}', "application/json", 422, "BODY_INVALID"),
        (b'{"profile": {"name": "a"}, "llm_config": {"temperature": NaN}}', "application/json", 422, "BODY_INVALID"),
        (
            b'{"profile": {"name": "a"}, "governance": {"max_token_per_minute": 1}}',
            "application/json",
            422,
            "BODY_INVALID",
        ),
        (b'{"profile": {"name": "a"}, "tools": [{"name": "rm"}]}', "application/json", 422, "BODY_INVALID"),
        (b'{"profile": {"name": "a"}, "shared_with": ["b@c"]}', "application/json", 422, "BODY_INVALID"),
        (b"[" + b" " * (1 << 20) + b"]", "application/json", 413, "BODY_TOO_LARGE"),
    ],
)
async def test_bad_bodies_are_refused_in_words(
    door: HttpDoor, ada: Person, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {**ada.headers, **({"Content-Type": content_type} if content_type else {})}
    answer = await door.client.post("/v1/agents", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == PROBLEM


async def test_a_body_of_unknown_length_is_counted(door: HttpDoor, ada: Person) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 65_536

    headers = {**ada.headers, "Content-Type": "application/json"}
    answer = await door.client.post("/v1/agents", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_a_bad_password_is_not_repeated(door: HttpDoor) -> None:
    answer = await door.client.post("/v1/sessions", json={"email": "a@b.c", "password": "p4ss" * 100})
    assert answer.status_code == 422
    assert "p4ss" not in answer.text


async def test_trying_passwords_is_limited(door: HttpDoor) -> None:
    wrong = {"email": f"{uuid4()}@example.org", "password": "wrong"}
    statuses = [(await door.client.post("/v1/sessions", json=wrong)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    last = await door.client.post("/v1/sessions", json=wrong)
    assert 0 < int(last.headers["retry-after"]) <= 60


async def test_other_methods_are_named(door: HttpDoor, ada: Person) -> None:
    answer = await door.client.delete("/v1/agents", headers=ada.headers)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) <= {"GET", "POST"}


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/openapi.json", "/v1/agents", "/nothing"])
async def test_every_answer_carries_the_security_headers(door: HttpDoor, path: str) -> None:
    answer = await door.client.get(path)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_decision_is_in_the_ledger(door: HttpDoor, ada: Person, eve: Person) -> None:
    agent_id = await door.agent(ada)
    await door.client.get(f"/v1/agents/{agent_id}", headers=eve.headers)
    async with door.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT details ->> 'action' AS action, details ->> 'decision' AS decision FROM audit_logs"
            " WHERE actor IN ($1, $2) AND event_type = 'gate.decision' ORDER BY seq",
            ada.account.jid,
            eve.account.jid,
        )
    assert [tuple(row) for row in rows] == [("agent.create", "allow"), ("agent.read", "deny")]
