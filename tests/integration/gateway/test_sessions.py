"""Sessions over HTTP: rotation, reuse, revocation, cookies, and what a list shows."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry import sessions
from registry.retention import sweep_sessions
from tests.integration.gateway.door import PASSWORD, HttpDoor, Person


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


async def sign_in(door: HttpDoor, person: Person, **more: str) -> httpx.Response:
    answer = await door.client.post("/v1/sessions", json={"email": person.email, "password": PASSWORD, **more})
    assert answer.status_code == 201, answer.text
    return answer


async def refresh(door: HttpDoor, token: str) -> httpx.Response:
    return await door.client.post("/v1/sessions/refresh", json={"refresh_token": token})


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def works(door: HttpDoor, session: dict[str, Any]) -> bool:
    return (await door.client.get("/v1/sessions", headers=bearer(session))).status_code == 200


async def events(door: HttpDoor, person: Person, kind: str) -> list[dict[str, Any]]:
    async with door.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT details FROM audit_logs WHERE owner_user_id = $1 AND event_type = $2 ORDER BY seq",
            person.account.owner,
            kind,
        )
    return [json.loads(row["details"]) for row in rows]


async def test_a_refresh_token_is_exchanged_for_a_new_one(door: HttpDoor, ada: Person) -> None:
    first = (await sign_in(door, ada)).json()
    second = (await refresh(door, first["refresh_token"])).json()
    assert second["session_id"] == first["session_id"]
    assert second["refresh_token"] not in ("", first["refresh_token"])
    assert await works(door, second)
    assert (await refresh(door, second["refresh_token"])).status_code == 200


async def test_a_token_that_comes_twice_ends_its_session_and_no_other(door: HttpDoor, ada: Person) -> None:
    stolen, other = (await sign_in(door, ada)).json(), (await sign_in(door, ada)).json()
    newest = (await refresh(door, stolen["refresh_token"])).json()
    again = await refresh(door, stolen["refresh_token"])
    assert (again.status_code, again.json()["code"]) == (401, "INVALID_TOKEN")
    assert (await refresh(door, newest["refresh_token"])).status_code == 401
    assert [await works(door, one) for one in (stolen, newest, other)] == [False, False, True]
    assert await events(door, ada, "session.reused") == [{"session": stolen["session_id"]}]


@pytest.mark.control
async def test_control_without_the_mark_of_use_it_comes_twice(door: HttpDoor, ada: Person) -> None:
    stolen = (await sign_in(door, ada)).json()
    await refresh(door, stolen["refresh_token"])
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE refresh_tokens SET used_at = NULL WHERE owner_user_id = $1", ada.account.owner)
    assert (await refresh(door, stolen["refresh_token"])).status_code == 200


async def test_of_two_at_once_one_is_the_reuse_of_the_other(door: HttpDoor, ada: Person) -> None:
    first = (await sign_in(door, ada)).json()
    answers = await asyncio.gather(*(refresh(door, first["refresh_token"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    good = next(answer.json() for answer in answers if answer.status_code == 200)
    assert not await works(door, good)


async def test_tokens_of_others_and_nonsense_are_refused_alike(door: HttpDoor, ada: Person) -> None:
    token = (await sign_in(door, ada)).json()["refresh_token"]
    eve = (await sign_in(door, await door.person())).json()["refresh_token"]
    mixed = eve.partition(".")[0] + "." + token.partition(".")[2]
    shown = [mixed, token[:-1], token + "x", "x", ".", token.replace(".", ""), "\ud800", "é" * 43]
    answers = [await refresh(door, one) for one in shown if one != "\ud800"]
    raw = await door.client.post(
        "/v1/sessions/refresh",
        content=b'{"refresh_token": "\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert raw.status_code in (401, 422)
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert (await refresh(door, token)).status_code == 200


async def test_an_idle_session_has_ended(door: HttpDoor, ada: Person) -> None:
    first = (await sign_in(door, ada)).json()
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE owner_user_id = $1", ada.account.owner
        )
    assert (await refresh(door, first["refresh_token"])).status_code == 401


async def test_a_session_ends_in_any_case(door: HttpDoor, ada: Person) -> None:
    first = (await sign_in(door, ada)).json()
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE sessions SET expires_at = now() - interval '1 s' WHERE owner_user_id = $1", ada.account.owner
        )
    assert not await works(door, first)
    assert (await refresh(door, first["refresh_token"])).status_code == 401


async def test_the_list_names_places_and_the_one_that_asks(door: HttpDoor, ada: Person) -> None:
    answer = await door.client.post(
        "/v1/sessions", json={"email": ada.email, "password": PASSWORD}, headers={"User-Agent": "Phone"}
    )
    listed = (await door.client.get("/v1/sessions", headers=bearer(answer.json()))).json()["items"]
    assert [(one["client"], one["current"]) for one in listed[:1]] == [("Phone", True)]
    assert [one["current"] for one in listed[1:]] == [False]  # from the fixture
    assert listed[0]["address"] == "127.0.0.1"


async def test_one_is_ended_and_seen_at_the_next_request(door: HttpDoor, ada: Person) -> None:
    here, there = (await sign_in(door, ada)).json(), (await sign_in(door, ada)).json()
    where = f"/v1/sessions/{there['session_id']}"
    assert (await door.client.delete(where, headers=bearer(here))).status_code == 204
    assert [await works(door, one) for one in (here, there)] == [True, False]
    assert (await refresh(door, there["refresh_token"])).status_code == 401
    assert (await door.client.delete(where, headers=bearer(here))).status_code == 404
    assert {"session": there["session_id"], "reason": "revoked"} in await events(door, ada, "session.ended")


async def test_a_foreign_session_is_an_unknown_one(door: HttpDoor, ada: Person) -> None:
    eve = (await sign_in(door, await door.person())).json()
    mine = (await sign_in(door, ada)).json()
    foreign = await door.client.delete(f"/v1/sessions/{mine['session_id']}", headers=bearer(eve))
    unknown = await door.client.delete(f"/v1/sessions/{eve['user_id']}", headers=bearer(eve))
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert await works(door, mine)


async def test_all_are_ended(door: HttpDoor, ada: Person) -> None:
    signed_in = [(await sign_in(door, ada)).json() for _ in range(3)]
    assert (await door.client.delete("/v1/sessions", headers=bearer(signed_in[0]))).status_code == 204
    assert [await works(door, one) for one in signed_in] == [False, False, False]


async def test_signing_out_ends_the_one_that_asks(door: HttpDoor, ada: Person) -> None:
    here, there = (await sign_in(door, ada)).json(), (await sign_in(door, ada)).json()
    assert (await door.client.delete("/v1/sessions/current", headers=bearer(here))).status_code == 204
    assert [await works(door, one) for one in (here, there)] == [False, True]


async def test_beyond_fifty_the_longest_unused_end(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    signed_in = [(await sign_in(door, ada)).json() for _ in range(4)]
    assert [await works(door, one) for one in signed_in] == [False, True, True, True]


async def test_what_ended_long_ago_is_forgotten(door: HttpDoor, ada: Person) -> None:
    old = datetime.now(UTC) - timedelta(days=31)
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE sessions SET revoked_at = $1 WHERE owner_user_id = $2", old, ada.account.owner)
        await sign_in(door, ada)
        assert await sweep_sessions(door.stores.pools["orchestrator"]) >= 1
        left = await connection.fetchval("SELECT count(*) FROM sessions WHERE owner_user_id = $1", ada.account.owner)
        tokens = await connection.fetchval(
            "SELECT count(*) FROM refresh_tokens WHERE owner_user_id = $1", ada.account.owner
        )
    assert (left, tokens) == (1, 1)


async def test_tokens_are_stored_as_digests_only(door: HttpDoor, ada: Person) -> None:
    secret = (await sign_in(door, ada)).json()["refresh_token"].partition(".")[2]
    async with door.stores.superuser() as connection:
        for table in ("sessions", "refresh_tokens", "audit_logs"):
            rows = await connection.fetch(f"SELECT t::text AS text FROM {table} t")  # noqa: S608 -- fixed names
            assert all(secret not in row["text"] and secret.encode().hex() not in row["text"] for row in rows)


async def test_a_session_that_nobody_can_go_on_with_is_forgotten_a_living_one_not(door: HttpDoor, ada: Person) -> None:
    here = (await sign_in(door, ada)).json()
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE sessions SET last_used_at = now() - interval '31 days' WHERE owner_user_id = $1", ada.account.owner
        )
        await connection.execute(
            "UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE owner_user_id = $1"
            " AND session_id <> $2",
            ada.account.owner,
            UUID(here["session_id"]),
        )
        await sweep_sessions(door.stores.pools["orchestrator"])
        left = await connection.fetch("SELECT id FROM sessions WHERE owner_user_id = $1", ada.account.owner)
    assert [str(row["id"]) for row in left] == [here["session_id"]]
    assert (await refresh(door, here["refresh_token"])).status_code == 200


@pytest.mark.parametrize("field", ["email", "password", "code"])
async def test_half_a_character_is_a_bad_body(door: HttpDoor, field: str) -> None:
    body = {"email": "a@example.org", "password": "p", "code": ""}
    text = "{" + ", ".join(f'"{name}": "{value}\\ud800"' if name == field else f'"{name}": "{value}"'
                           for name, value in body.items()) + "}"  # fmt: skip
    answer = await door.client.post("/v1/sessions", content=text.encode(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_the_web_keeps_its_token_in_a_cookie(door: HttpDoor, ada: Person) -> None:
    signed_in = await sign_in(door, ada, keep="cookie")
    assert signed_in.json()["refresh_token"] == ""
    kept = {cookie.name: cookie.value or "" for cookie in signed_in.cookies.jar}
    assert set(kept) == {"aiox_refresh", "aiox_csrf"}

    async def ask(proof: str) -> httpx.Response:
        headers = {"Cookie": f"aiox_refresh={kept['aiox_refresh']}", "X-AIOX-CSRF": proof}
        return await door.client.post("/v1/sessions/refresh", json={}, headers=headers)

    for wrong in ("", "x"):
        assert (await ask(wrong)).status_code == 401
    refreshed = await ask(kept["aiox_csrf"])
    assert refreshed.json()["refresh_token"] == ""
    assert {cookie.name for cookie in refreshed.cookies.jar} == {"aiox_refresh", "aiox_csrf"}
    assert kept["aiox_refresh"] not in str(refreshed.headers)
    out = await door.client.delete("/v1/sessions/current", headers=bearer(refreshed.json()))
    assert all("Max-Age=0" in line for line in out.headers.get_list("set-cookie"))
    assert len(out.headers.get_list("set-cookie")) == 2
    door.client.cookies.clear()
