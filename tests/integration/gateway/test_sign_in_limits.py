"""Guessing is stopped, and a stranger who guesses locks nobody out; nor does the time of an answer tell who exists."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal
from uuid import uuid4

import httpx
import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from aiox.commands.passwords import Passwords
from gateway.routes import sign_in_limits
from setup.prove import note
from tests.integration.gateway.door import PASSWORD, HttpDoor, Person

WRONG = "wrong horse battery"


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@asynccontextmanager
async def at(door: HttpDoor, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with this network address."""
    inner = door.client._transport
    assert isinstance(inner, httpx.ASGITransport)
    transport = httpx.ASGITransport(app=inner.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def tries(client: httpx.AsyncClient, email: str, count: int, password: str = WRONG) -> list[int]:
    body = {"email": email, "password": password}
    return [(await client.post("/v1/sessions", json=body)).status_code for _ in range(count)]


async def test_a_guesser_at_one_address_does_not_lock_out_the_others(door: HttpDoor, ada: Person) -> None:
    async with at(door, "192.0.2.1") as guesser, at(door, "192.0.2.2") as home:
        assert await tries(guesser, ada.email, 12) == [401] * 10 + [429] * 2
        assert await tries(home, ada.email, 1, PASSWORD) == [201]


async def test_many_guessers_lock_out_nobody_where_the_person_is_known(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_limits, "PER_ACCOUNT", 20)
    async with at(door, "192.0.2.3") as home:
        assert await tries(home, ada.email, 1, PASSWORD) == [201]
    statuses = []
    for number in range(10):
        async with at(door, f"198.51.100.{number}") as guesser:
            statuses += await tries(guesser, ada.email, 4)
    assert statuses[-1] == 429
    assert statuses.count(401) <= 20
    async with at(door, "192.0.2.3") as home, at(door, "203.0.113.9") as new:
        assert await tries(home, ada.email, 1, PASSWORD) == [201]
        assert await tries(new, ada.email, 1, PASSWORD) == [429]


async def test_an_address_without_an_account_is_limited_alike(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "PER_ACCOUNT", 3)
    email = f"{uuid4()}@example.org"
    async with at(door, "192.0.2.4") as guesser:
        assert await tries(guesser, email, 5) == [401] * 3 + [429] * 2


async def test_one_address_tries_few_accounts(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "PER_ADDRESS", 5)
    statuses = []
    async with at(door, "192.0.2.5") as guesser:
        for _ in range(7):
            statuses += await tries(guesser, f"{uuid4()}@example.org", 1)
    assert statuses == [401] * 5 + [429] * 2


async def test_whoever_has_come_into_a_session_does_not_find_the_password_by_trying(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All questions that ask for the password again share one budget."""
    asked = (
        ("PUT", "/v1/account/password", {"current": WRONG, "new": "yet another horse"}),
        ("POST", "/v1/account/second-factor", {"password": WRONG}),
        ("POST", "/v1/account/second-factor/removals", {"password": WRONG, "code": "000000"}),
        ("POST", "/v1/account/deactivation", {"password": WRONG}),
        ("POST", "/v1/privacy/erasures", {"password": WRONG}),
    )
    statuses = [
        (await door.client.request(method, path, json=body, headers=ada.headers)).status_code
        for _ in range(3)
        for method, path, body in asked
    ]
    assert statuses == [403] * 10 + [429] * 5
    eve = await door.person()
    monkeypatch.setattr(sign_in_limits, "AGAIN_HOUR", 2)
    for expected in (403, 403, 429):
        answer = await door.client.post("/v1/privacy/erasures", json={"password": WRONG}, headers=eve.headers)
        assert answer.status_code == expected
    assert int(answer.headers["retry-after"]) > 60


async def medians(door: HttpDoor, known: str, rounds: int) -> tuple[float, float]:
    """Milliseconds of a wrong password for an account that is there, and for none, asked in turn."""
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(rounds):
        for kind, email in (("known", known), ("unknown", f"{number}-{uuid4()}@example.org")):
            began = time.perf_counter()
            answer = await door.client.post("/v1/sessions", json={"email": email, "password": "wrong"})
            times[kind].append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 401, answer.text
    return statistics.median(times["known"]), statistics.median(times["unknown"])


@asynccontextmanager
async def hashed_by(
    hasher: PasswordHasher, door: HttpDoor, monkeypatch: pytest.MonkeyPatch, person: Person
) -> AsyncIterator[None]:
    """Argon2 at this price for this person and for nobody; and no budget that a measurement would use up."""
    for name in ("PER_ACCOUNT", "PER_ACCOUNT_AND_ADDRESS"):
        monkeypatch.setattr(sign_in_limits, name, 1_000_000)
    passwords = Passwords(hasher)
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1", person.account.owner, await passwords.hash(PASSWORD)
        )
    before = door.inner.people
    door.inner.people = replace(before, passwords=passwords)
    try:
        yield
    finally:
        door.inner.people = before


class Counted(PasswordHasher):
    """Keeps what every check of a password has cost: the parameters of the hash that was worked out for it."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=1024, parallelism=1)
        self.worked: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- the library's name
        """See PasswordHasher."""
        self.worked.append(extract_parameters(hash if isinstance(hash, str) else hash.decode()))
        return super().verify(hash, password)


async def work_for(door: HttpDoor, hasher: Counted, email: str) -> list[Parameters]:
    """What a wrong password for this address has cost."""
    hasher.worked.clear()
    assert await tries(door.client, email, 1) == [401]
    return list(hasher.worked)


async def test_as_much_is_worked_out_for_who_exists_as_for_nobody(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = Counted()
    async with hashed_by(hasher, door, monkeypatch, ada):
        known, unknown = [await work_for(door, hasher, one) for one in (ada.email, f"{uuid4()}@example.org")]
    assert known == unknown
    assert len(known) == 1


@pytest.mark.control
async def test_control_without_the_idle_work_it_is_less(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = Counted()
    async with hashed_by(hasher, door, monkeypatch, ada):
        real = door.inner.people.passwords

        class Hasty(Passwords):
            async def matches(self, stored: str | None, password: str) -> bool:
                return stored is not None and await real.matches(stored, password)

        door.inner.people = replace(door.inner.people, passwords=Hasty(PasswordHasher(time_cost=1, memory_cost=64)))
        known, unknown = [await work_for(door, hasher, one) for one in (ada.email, f"{uuid4()}@example.org")]
    assert (len(known), unknown) == (1, [])


@pytest.mark.prove
async def test_the_time_of_a_thousand_answers_does_not_tell(
    door: HttpDoor, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hashed_by(PasswordHasher(), door, monkeypatch, ada):
        known, unknown = await medians(door, ada.email, 1000)
    note(f"sign-in, wrong password: known {known:.2f} ms, unknown {unknown:.2f} ms (medians of 1,000 in turn)")
    assert abs(known - unknown) < max(0.3, 0.1 * unknown)


async def test_asking_for_a_new_password_takes_the_same_time(door: HttpDoor, ada: Person) -> None:
    before = door.inner.people
    door.inner.people = replace(before, rules=replace(before.rules, steady_s=0.4))
    try:
        for email in (ada.email, f"{uuid4()}@example.org"):
            began = time.perf_counter()
            answer = await door.client.post("/v1/password-resets", json={"email": email})
            assert answer.status_code == 202
            assert time.perf_counter() - began >= 0.4
    finally:
        door.inner.people = before
