"""The second factor over HTTP: enrolment, sign-in with codes used once, recovery codes, patience with wrong ones."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass

import httpx
import pytest

from aiox.kernel import totp
from tests.integration.gateway.door import PASSWORD, HttpDoor, Person


@dataclass(frozen=True)
class Enrolled:
    person: Person
    secret: bytes
    recovery: list[str]


def code(secret: bytes, drift: int = 0) -> str:
    return totp.code_at(secret, int(time.time()) // totp.STEP_S + drift)


async def sign_in(door: HttpDoor, person: Person, **more: str) -> httpx.Response:
    return await door.client.post("/v1/sessions", json={"email": person.email, "password": PASSWORD, **more})


async def forget_steps(door: HttpDoor, enrolled: Enrolled) -> None:
    """So that a test need not wait for the next time step."""
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE second_factors SET last_step = 0 WHERE owner_user_id = $1", enrolled.person.account.owner
        )


@pytest.fixture
async def ada(door: HttpDoor) -> Enrolled:
    person = await door.person()
    where = "/v1/account/second-factor"
    begun = await door.client.post(where, json={"password": PASSWORD}, headers=person.headers)
    assert begun.status_code == 201
    text = begun.json()["secret"]
    assert f"secret={text}" in begun.json()["uri"]
    secret = base64.b32decode(text + "=" * (-len(text) % 8))
    codes = await door.client.post(f"{where}/confirmations", json={"code": code(secret)}, headers=person.headers)
    assert codes.status_code == 200, codes.text
    enrolled = Enrolled(person, secret, codes.json()["codes"])
    await forget_steps(door, enrolled)
    return enrolled


async def test_sign_in_asks_for_a_code_once_the_password_is_right(door: HttpDoor, ada: Enrolled) -> None:
    without = await sign_in(door, ada.person)
    assert (without.status_code, without.json()["code"]) == (401, "SECOND_FACTOR_REQUIRED")
    body = {"email": ada.person.email, "password": "wrong", "code": code(ada.secret)}
    wrong = await door.client.post("/v1/sessions", json=body)
    assert wrong.json()["code"] == "UNAUTHENTICATED"
    assert (await sign_in(door, ada.person, code=code(ada.secret))).status_code == 201


async def test_a_code_is_good_once(door: HttpDoor, ada: Enrolled) -> None:
    used = code(ada.secret)
    assert [(await sign_in(door, ada.person, code=used)).status_code for _ in range(2)] == [201, 401]


@pytest.mark.control
async def test_control_without_the_mark_it_is_good_twice(door: HttpDoor, ada: Enrolled) -> None:
    used = code(ada.secret)
    assert (await sign_in(door, ada.person, code=used)).status_code == 201
    await forget_steps(door, ada)
    assert (await sign_in(door, ada.person, code=used)).status_code == 201


async def test_the_secret_does_not_count_before_it_is_confirmed(door: HttpDoor) -> None:
    person = await door.person()
    await door.client.post("/v1/account/second-factor", json={"password": PASSWORD}, headers=person.headers)
    assert (await sign_in(door, person)).status_code == 201
    wrong = await door.client.post(
        "/v1/account/second-factor/confirmations", json={"code": "000000"}, headers=person.headers
    )
    assert wrong.json()["code"] == "SECOND_FACTOR_REQUIRED"
    assert (await sign_in(door, person)).status_code == 201


async def test_a_recovery_code_is_good_once(door: HttpDoor, ada: Enrolled) -> None:
    assert len(set(ada.recovery)) == 10
    first = ada.recovery[0]
    assert [(await sign_in(door, ada.person, code=one)).status_code for one in (first.upper(), first)] == [201, 401]
    assert (await sign_in(door, ada.person, code=ada.recovery[1].replace("-", ""))).status_code == 201


async def test_codes_of_others_and_old_ones_are_refused(door: HttpDoor, ada: Enrolled) -> None:
    for wrong in (code(ada.secret, -3), code(ada.secret, 5), code(b"x" * 20), "123", "abcdef"):
        answer = await sign_in(door, ada.person, code=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "SECOND_FACTOR_REQUIRED")


async def test_after_five_wrong_codes_one_has_to_wait(door: HttpDoor, ada: Enrolled) -> None:
    for _ in range(5):
        await sign_in(door, ada.person, code="000000")
    waiting = await sign_in(door, ada.person, code=code(ada.secret))
    assert waiting.status_code == 401
    assert "Wait" in waiting.json()["detail"]
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE second_factors SET blocked_until = now() WHERE owner_user_id = $1", ada.person.account.owner
        )
    assert (await sign_in(door, ada.person, code=code(ada.secret))).status_code == 201


async def test_a_stranger_makes_nobody_wait(door: HttpDoor, ada: Enrolled) -> None:
    for _ in range(6):
        body = {"email": ada.person.email, "password": "wrong", "code": "000000"}
        await door.client.post("/v1/sessions", json=body)
    assert (await sign_in(door, ada.person, code=code(ada.secret))).status_code == 201


async def test_it_is_removed_with_password_and_code(door: HttpDoor, ada: Enrolled) -> None:
    where, headers = "/v1/account/second-factor/removals", ada.person.headers
    wrong = await door.client.post(where, json={"password": "x", "code": code(ada.secret)}, headers=headers)
    assert wrong.json()["code"] == "PASSWORD_WRONG"
    wrong = await door.client.post(where, json={"password": PASSWORD, "code": "000000"}, headers=headers)
    assert wrong.json()["code"] == "SECOND_FACTOR_REQUIRED"
    body = {"password": PASSWORD, "code": code(ada.secret)}
    assert (await door.client.post(where, json=body, headers=headers)).status_code == 204
    assert (await sign_in(door, ada.person)).status_code == 201


async def test_a_stolen_session_cannot_change_it(door: HttpDoor, ada: Enrolled) -> None:
    begun = await door.client.post("/v1/account/second-factor", json={"password": PASSWORD}, headers=ada.person.headers)
    assert begun.json()["code"] == "CONFLICT"
    bare = await door.client.post("/v1/account/second-factor", json={"password": "x"}, headers=ada.person.headers)
    assert bare.json()["code"] == "PASSWORD_WRONG"


async def test_secret_and_codes_are_nowhere_in_clear(door: HttpDoor, ada: Enrolled) -> None:
    async with door.stores.superuser() as connection:
        sealed = await connection.fetchval(
            "SELECT secret FROM second_factors WHERE owner_user_id = $1", ada.person.account.owner
        )
        rows = await connection.fetch(
            "SELECT hash FROM recovery_codes WHERE owner_user_id = $1", ada.person.account.owner
        )
    assert ada.secret not in sealed
    assert len(rows) == 10
    assert all(one.encode() not in row["hash"] for one in ada.recovery for row in rows)
