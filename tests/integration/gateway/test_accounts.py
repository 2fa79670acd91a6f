"""Signing up, confirming, forgotten and changed passwords, and what happens when the XMPP server is away in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from aiox.commands import account_password
from aiox.commands.account_password import ChangePassword
from aiox.commands.hub import Actor
from aiox.commands.people import HouseRules
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool, owner_scope
from gateway.routes import letterboxes
from registry import accounts
from tests.integration.gateway.door import PASSWORD, HttpDoor, Person

OTHER = "another horse battery"


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@asynccontextmanager
async def house_rules(door: HttpDoor, **rules: Any) -> AsyncIterator[None]:
    before = door.inner.people
    door.inner.people = replace(before, rules=HouseRules(steady_s=0, **rules))
    try:
        yield
    finally:
        door.inner.people = before


def newcomer(**changes: str) -> dict[str, str]:
    name = uuid4().hex[:12]
    return {"email": f"{name}@example.org", "password": PASSWORD, "name": name, **changes}


async def sign_up(door: HttpDoor, fields: dict[str, str], mode: str = "open") -> httpx.Response:
    async with house_rules(door, sign_up=mode):
        return await door.client.post("/v1/accounts", json=fields)


async def sign_in(door: HttpDoor, email: str, password: str = PASSWORD) -> httpx.Response:
    return await door.client.post("/v1/sessions", json={"email": email, "password": password})


async def confirm(door: HttpDoor, token: str, password: str = PASSWORD) -> httpx.Response:
    return await door.client.post("/v1/accounts/confirmations", json={"token": token, "password": password})


async def ask_reset(door: HttpDoor, email: str) -> httpx.Response:
    return await door.client.post("/v1/password-resets", json={"email": email})


async def reset(door: HttpDoor, token: str, password: str = OTHER) -> httpx.Response:
    body = {"token": token, "password": password}
    return await door.client.post("/v1/password-resets/completions", json=body)


async def test_where_sign_up_is_closed_nobody_gets_in(door: HttpDoor) -> None:
    fields = newcomer()
    answer = await door.client.post("/v1/accounts", json=fields)
    assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_DENIED")
    assert f"{fields['name']}@localhost" not in door.xmpp.accounts


async def test_from_signing_up_to_signing_in(door: HttpDoor) -> None:
    fields = newcomer()
    jid = f"{fields['name']}@localhost"
    asked = await sign_up(door, fields)
    assert (asked.status_code, asked.json()) == (202, {"next": "confirm"})
    assert door.xmpp.accounts[jid] != PASSWORD  # reserved; XMPP opens with the first sign-in, not before
    early = await sign_in(door, fields["email"])
    assert (early.status_code, early.json()["code"]) == (403, "EMAIL_UNCONFIRMED")
    token = door.letters.token_for(fields["email"])
    assert (await confirm(door, token)).status_code == 204
    assert (await sign_in(door, fields["email"])).status_code == 201
    assert door.xmpp.accounts[jid] == PASSWORD
    again = await confirm(door, token)
    assert (again.status_code, again.json()["code"]) == (422, "LINK_INVALID")


async def test_an_address_that_has_an_account_gets_the_same_answer_and_another_letter(
    door: HttpDoor, ada: Person
) -> None:
    new, known = await sign_up(door, newcomer()), await sign_up(door, newcomer(email=ada.email, password=OTHER))
    assert (known.status_code, known.content) == (new.status_code, new.content)
    assert dict(known.headers) == dict(new.headers)
    assert door.letters.letters[-1].to == ada.email
    assert "token=" not in door.letters.letters[-1].text
    assert (await sign_in(door, ada.email)).status_code == 201
    assert (await sign_in(door, ada.email, OTHER)).status_code == 401


async def test_who_signed_up_with_somebody_elses_address_gains_nothing(door: HttpDoor) -> None:
    """Account pre-hijacking: the attacker's password must not come to life when the victim follows a link."""
    fields = newcomer(password="the attackers own one")
    await sign_up(door, fields)
    token = door.letters.token_for(fields["email"])
    refused = await confirm(door, token, PASSWORD)  # the victim does not know the attacker's password
    assert (refused.status_code, refused.json()["code"]) == (403, "PASSWORD_WRONG")
    await sign_up(door, newcomer(email=fields["email"]))  # the victim signs up: the newest password counts
    assert (await confirm(door, token, "the attackers own one")).status_code == 403
    assert (await confirm(door, door.letters.token_for(fields["email"]))).status_code == 204
    assert (await sign_in(door, fields["email"], "the attackers own one")).status_code == 401
    assert (await sign_in(door, fields["email"])).status_code == 201


async def test_a_taken_name_is_said(door: HttpDoor, ada: Person) -> None:
    taken = await sign_up(door, newcomer(name=ada.account.jid.partition("@")[0]))
    assert (taken.status_code, taken.json()["code"]) == (409, "CONFLICT")
    assert door.xmpp.accounts[ada.account.jid] == PASSWORD


@pytest.mark.parametrize("name", ["operator", "hub-api", "admin", "postmaster"])
async def test_nobody_signs_up_as_the_operator(door: HttpDoor, name: str) -> None:
    answer = await sign_up(door, newcomer(name=name))
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


async def test_of_two_changes_at_once_both_sides_have_the_same(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await two_changes(door, ada, monkeypatch) == [201]


@pytest.mark.control
async def test_control_without_the_lock_they_differ(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def open_door(pool: Pool, owner: UUID) -> AsyncIterator[tuple[Connection, str]]:
        async with owner_scope(pool, owner) as connection:
            yield connection, ""

    monkeypatch.setattr(accounts, "password_lock", open_door)
    assert await two_changes(door, ada, monkeypatch, 60.0) == [401]


async def two_changes(
    door: HttpDoor, person: Person, monkeypatch: pytest.MonkeyPatch, patience_s: float = 1.0
) -> list[int]:
    """Two changes at once, of which the one that reaches the server first is slow to come back from there.

    Whether the password that the server has afterwards is the hub's.
    """
    second = (await sign_in(door, person.email)).json()["access_token"]
    written, may_return = asyncio.Event(), asyncio.Event()
    real = door.xmpp.set_password

    async def slow(jid: BareJid, password: str) -> None:
        await real(jid, password)
        if not written.is_set():
            written.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await may_return.wait()

    monkeypatch.setattr(door.xmpp, "set_password", slow)

    async def change(new: str, headers: dict[str, str]) -> None:
        await door.client.put("/v1/account/password", json={"current": PASSWORD, "new": new}, headers=headers)

    async with asyncio.TaskGroup() as group:
        group.create_task(change("the first new one", person.headers))
        await written.wait()
        group.create_task(change("the second new one", {"Authorization": f"Bearer {second}"})).add_done_callback(
            lambda _: may_return.set()
        )
    return [(await sign_in(door, person.email, door.xmpp.accounts[person.account.jid])).status_code]


async def test_a_sign_up_that_broke_off_is_found_again(door: HttpDoor) -> None:
    fields = newcomer()
    jid = f"{fields['name']}@localhost"
    await sign_up(door, fields)
    async with door.stores.superuser() as connection:  # as if the hub had died after the server's half
        owner = await connection.fetchval("SELECT id FROM users WHERE jid = $1", jid)
        for table in ("mail_tokens", "tenant_keys"):
            await connection.execute(f"DELETE FROM {table} WHERE owner_user_id = $1", owner)  # noqa: S608
        await connection.execute("DELETE FROM users WHERE id = $1", owner)
    assert (await sign_up(door, fields)).status_code == 202


async def test_five_letters_an_hour_and_no_more(door: HttpDoor) -> None:
    fields = newcomer()
    answers = [await sign_up(door, fields) for _ in range(7)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum(letter.to == fields["email"] for letter in door.letters.letters) == 5


async def test_one_network_address_has_letters_sent_to_so_many_strangers(
    door: HttpDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letterboxes, "SIGN_UPS", 2)
    transport = httpx.ASGITransport(app=door.client._transport.app, client=("192.0.2.77", 1))  # type: ignore[attr-defined]
    async with (
        house_rules(door, sign_up="open"),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        statuses = [(await client.post("/v1/accounts", json=newcomer())).status_code for _ in range(3)]
    assert statuses == [202, 202, 429]


async def test_a_forgotten_password(door: HttpDoor, ada: Person) -> None:
    known, unknown = await ask_reset(door, ada.email), await ask_reset(door, f"{uuid4().hex}@example.org")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    assert dict(known.headers) == dict(unknown.headers)
    token = door.letters.token_for(ada.email)
    assert (await reset(door, token)).status_code == 204
    assert (await door.client.get("/v1/account", headers=ada.headers)).status_code == 401
    assert [(await sign_in(door, ada.email, one)).status_code for one in (PASSWORD, OTHER)] == [401, 201]
    assert door.xmpp.accounts[ada.account.jid] == OTHER
    assert ada.account.jid in door.xmpp.kicked
    assert (await reset(door, token, PASSWORD)).status_code == 422


async def test_a_link_is_good_for_its_purpose_and_its_account(door: HttpDoor, ada: Person) -> None:
    await ask_reset(door, ada.email)
    first = door.letters.token_for(ada.email)
    await ask_reset(door, ada.email)  # by a stranger, perhaps: the first stays good
    second = door.letters.token_for(ada.email)
    assert (await confirm(door, second)).status_code == 422
    eve = await door.person()
    await ask_reset(door, eve.email)
    mixed = second.partition(".")[0] + "." + door.letters.token_for(eve.email).partition(".")[2]
    assert (await reset(door, mixed)).status_code == 422
    assert [(await reset(door, one)).status_code for one in (first, second, first)] == [204, 422, 422]


async def test_a_link_is_good_for_an_hour(door: HttpDoor, ada: Person) -> None:
    await ask_reset(door, ada.email)
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE mail_tokens SET expires_at = now() WHERE owner_user_id = $1", ada.account.owner
        )
    assert (await reset(door, door.letters.token_for(ada.email))).status_code == 422


async def test_changing_the_password_signs_out_everywhere_else(door: HttpDoor, ada: Person) -> None:
    there = (await sign_in(door, ada.email)).json()["access_token"]
    body = {"current": PASSWORD, "new": OTHER}
    wrong = await door.client.put("/v1/account/password", json={**body, "current": "x"}, headers=ada.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "PASSWORD_WRONG")
    assert (await door.client.put("/v1/account/password", json=body, headers=ada.headers)).status_code == 204
    assert (await door.client.get("/v1/account", headers=ada.headers)).status_code == 200
    elsewhere = await door.client.get("/v1/account", headers={"Authorization": f"Bearer {there}"})
    assert elsewhere.status_code == 401
    assert door.xmpp.accounts[ada.account.jid] == OTHER
    assert [(await sign_in(door, ada.email, one)).status_code for one in (PASSWORD, OTHER)] == [401, 201]


async def test_a_change_that_broke_off_is_mended_at_the_next_sign_in(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has the new password, the hub still the old one: which is then the one for both."""

    async def dies(*_: object) -> None:
        raise ConnectionError("the database went away")

    asked = ChangePassword.model_validate({"current": PASSWORD, "new": OTHER})
    person = Actor(ada.account.owner, ada.account.jid)
    with monkeypatch.context() as broken:
        broken.setattr(accounts, "password_is", dies)
        with pytest.raises(ConnectionError):
            await account_password.change(door.inner.hub, person, asked, door.inner.people)
    assert door.xmpp.accounts[ada.account.jid] == OTHER
    assert (await sign_in(door, ada.email, OTHER)).status_code == 401
    assert (await sign_in(door, ada.email)).status_code == 201
    assert door.xmpp.accounts[ada.account.jid] == PASSWORD


async def test_with_the_server_away_nothing_changes_and_sign_in_goes_on(door: HttpDoor, ada: Person) -> None:
    door.xmpp.away = True
    try:
        body = {"current": PASSWORD, "new": OTHER}
        answer = await door.client.put("/v1/account/password", json=body, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "HUB_BUSY")
        unsure = await sign_in(door, ada.email)  # the mark stands: what cannot be mended now is not passed over
        assert unsure.status_code == 503
    finally:
        door.xmpp.away = False
    assert (await sign_in(door, ada.email)).status_code == 201
    assert door.xmpp.accounts[ada.account.jid] == PASSWORD


async def test_deactivation_ends_everything(door: HttpDoor, ada: Person) -> None:
    token = await door.client.post("/v1/account/xmpp-tokens", headers=ada.headers)
    assert door.xmpp.tokens[token.json()["token"]] == ada.account.jid
    closed = await door.client.post("/v1/account/deactivation", json={"password": PASSWORD}, headers=ada.headers)
    assert closed.status_code == 204
    assert ada.account.jid in door.xmpp.shut
    assert token.json()["token"] not in door.xmpp.tokens
    assert (await door.client.get("/v1/account", headers=ada.headers)).status_code == 401
    unknown = await sign_in(door, f"{uuid4().hex}@example.org")
    assert (await sign_in(door, ada.email)).content == unknown.content


async def test_an_xmpp_token_ends_with_its_session(door: HttpDoor, ada: Person) -> None:
    first = (await door.client.post("/v1/account/xmpp-tokens", headers=ada.headers)).json()
    assert (first["jid"], first["expires_in"]) == (ada.account.jid, 300)
    second = (await door.client.post("/v1/account/xmpp-tokens", headers=ada.headers)).json()
    assert first["token"] not in door.xmpp.tokens
    assert second["token"] in door.xmpp.tokens
    await door.client.delete("/v1/sessions/current", headers=ada.headers)
    assert second["token"] not in door.xmpp.tokens
    assert ada.account.jid in door.xmpp.kicked


async def test_what_a_sign_out_left_on_the_server_is_ended_at_the_next_sign_in(door: HttpDoor, ada: Person) -> None:
    token = (await door.client.post("/v1/account/xmpp-tokens", headers=ada.headers)).json()["token"]
    door.xmpp.away = True
    try:
        assert (await door.client.delete("/v1/sessions/current", headers=ada.headers)).status_code == 503
    finally:
        door.xmpp.away = False
    assert (await door.client.get("/v1/account", headers=ada.headers)).status_code == 401
    assert token in door.xmpp.tokens
    assert (await sign_in(door, ada.email)).status_code == 201
    assert token not in door.xmpp.tokens


async def test_links_and_passwords_are_nowhere_in_clear(door: HttpDoor, ada: Person) -> None:
    await ask_reset(door, ada.email)
    xmpp_token = (await door.client.post("/v1/account/xmpp-tokens", headers=ada.headers)).json()["token"]
    secrets = [door.letters.token_for(ada.email).partition(".")[2], PASSWORD]
    async with door.stores.superuser() as connection:
        sealed = await connection.fetchval(
            "SELECT xmpp_token FROM sessions WHERE owner_user_id = $1 AND xmpp_token IS NOT NULL", ada.account.owner
        )
        assert xmpp_token.encode() not in sealed
        for table in ("users", "sessions", "mail_tokens", "audit_logs"):
            rows = await connection.fetch(f"SELECT t::text AS text FROM {table} t")  # noqa: S608 -- fixed names
            for secret in secrets:
                assert all(secret not in row["text"] and secret.encode().hex() not in row["text"] for row in rows)


async def test_the_account_shows_itself(door: HttpDoor, ada: Person) -> None:
    shown = (await door.client.get("/v1/account", headers=ada.headers)).json()
    assert (shown["email"], shown["jid"], shown["hub_role"]) == (ada.email, ada.account.jid, None)
    assert shown["second_factor"] is False
