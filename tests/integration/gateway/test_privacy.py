"""A person's data over HTTP: handed out whole, erased with the password, and gone for good."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.integration.gateway.door import PASSWORD, HttpDoor, Person

EXPORT, ERASE = "/v1/privacy/export", "/v1/privacy/erasures"


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


async def test_the_export_is_one_document_of_ones_own(door: HttpDoor, ada: Person) -> None:
    eve = await door.person()
    name = f"agent {uuid4().hex}"
    await door.agent(ada, name)
    answer = await door.client.get(EXPORT, headers=ada.headers)
    assert answer.headers["content-disposition"] == 'attachment; filename="aiox-person.json"'
    found = answer.json()
    assert found["form"] == "aiox-person-1"
    assert found["account"]["email"] == ada.email
    assert name in str(found["agents"])
    assert found["sessions"]
    other = await door.client.get(EXPORT, headers=eve.headers)
    assert name not in other.text
    assert ada.email not in other.text


async def test_erasing_needs_the_password_again(door: HttpDoor, ada: Person) -> None:
    answer = await door.client.post(ERASE, json={"password": "wrong horse battery"}, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "PASSWORD_WRONG")
    assert (await door.client.get("/v1/agents", headers=ada.headers)).status_code == 200


async def test_after_it_the_token_the_password_and_the_account_are_gone(door: HttpDoor, ada: Person) -> None:
    await door.agent(ada)
    done = await door.client.post(ERASE, json={"password": PASSWORD}, headers=ada.headers)
    assert done.status_code == 200
    assert done.json()["rows"] > 3
    assert (await door.client.get("/v1/agents", headers=ada.headers)).status_code == 401
    again = await door.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    assert again.status_code == 401
    assert ada.account.jid not in door.xmpp.accounts


async def test_while_the_xmpp_server_is_away_nothing_is_erased(door: HttpDoor, ada: Person) -> None:
    door.xmpp.away = True
    try:
        refused = await door.client.post(ERASE, json={"password": PASSWORD}, headers=ada.headers)
    finally:
        door.xmpp.away = False
    assert refused.status_code == 503
    again = await door.client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    assert again.status_code == 201
    headers = {"Authorization": f"Bearer {again.json()['access_token']}"}
    assert (await door.client.post(ERASE, json={"password": PASSWORD}, headers=headers)).status_code == 200


async def test_the_only_owner_of_an_organisation_hands_it_over_first(door: HttpDoor, ada: Person) -> None:
    eve = await door.person()
    async with door.stores.superuser() as connection:
        organisation = uuid4()
        await connection.execute("INSERT INTO organisations VALUES ($1, 'one', now())", organisation)
        for who, role in ((ada, "owner"), (eve, "member")):
            await connection.execute(
                "INSERT INTO memberships VALUES ($1, $2, $3, now())", organisation, who.account.owner, role
            )
    refused = await door.client.post(ERASE, json={"password": PASSWORD}, headers=ada.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    assert ada.account.jid in door.xmpp.accounts
    assert (await door.client.post(ERASE, json={"password": PASSWORD}, headers=eve.headers)).status_code == 200
    assert (await door.client.post(ERASE, json={"password": PASSWORD}, headers=ada.headers)).status_code == 200
