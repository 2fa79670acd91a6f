"""Organisations over HTTP: members see each other, rulers rule, strangers find nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from aiox.runtime.postgres import owner_scope
from gateway.routes import letterboxes
from tests.integration.gateway.door import HttpDoor, Person

ROLES = ("owner", "admin", "approver", "auditor", "member")


@dataclass(frozen=True)
class House:
    """An organisation with one person in each role, and a stranger."""

    id: str
    people: dict[str, Person]

    @property
    def where(self) -> str:
        return f"/v1/organisations/{self.id}"

    def member(self, role: str) -> str:
        return f"{self.where}/members/{self.people[role].account.owner}"


async def join(door: HttpDoor, where: str, inviter: Person, person: Person, role: str) -> httpx.Response:
    sent = await door.client.post(
        f"{where}/invitations", json={"email": person.email, "role": role}, headers=inviter.headers
    )
    assert sent.status_code == 201, sent.text
    token = door.letters.token_for(person.email)
    return await door.client.post("/v1/invitations/acceptances", json={"token": token}, headers=person.headers)


@pytest.fixture
async def house(door: HttpDoor) -> House:
    people = {role: await door.person() for role in (*ROLES, "stranger")}
    made = await door.client.post("/v1/organisations", json={"name": "Acme"}, headers=people["owner"].headers)
    assert made.status_code == 201
    house = House(made.json()["id"], people)
    for role in ROLES[1:]:
        joined = await join(door, house.where, people["owner"], people[role], role)
        assert (joined.status_code, joined.json()) == (200, {"organisation_id": house.id, "role": role})
    return house


async def roles_of(door: HttpDoor, house: House) -> dict[str, str]:
    shown = await door.client.get(house.where, headers=house.people["owner"].headers)
    return {member["jid"]: member["role"] for member in shown.json()["members"]}


@pytest.mark.parametrize("role", ROLES)
async def test_members_see_it_and_each_other(door: HttpDoor, house: House, role: str) -> None:
    shown = (await door.client.get(house.where, headers=house.people[role].headers)).json()
    assert (shown["name"], shown["role"]) == ("Acme", role)
    assert {one["jid"]: one["role"] for one in shown["members"]} == {
        house.people[one].account.jid: one for one in ROLES
    }
    listed = (await door.client.get("/v1/organisations", headers=house.people[role].headers)).json()["items"]
    assert [one["id"] for one in listed] == [house.id]


async def test_for_a_stranger_it_is_as_one_that_never_was(door: HttpDoor, house: House) -> None:
    headers = house.people["stranger"].headers
    assert (await door.client.get("/v1/organisations", headers=headers)).json() == {"items": []}
    asked: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PUT", "", {"name": "Mine"}),
        ("PUT", f"/members/{house.people['member'].account.owner}", {"role": "member"}),
        ("PUT", f"/members/{house.people['stranger'].account.owner}", {"role": "owner"}),
        ("DELETE", f"/members/{house.people['member'].account.owner}", None),
        ("GET", "/invitations", None),
        ("POST", "/invitations", {"email": "x@example.org"}),
        ("DELETE", f"/invitations/{uuid4()}", None),
    ]
    for method, rest, body in asked:
        foreign, unknown = [
            await door.client.request(method, f"/v1/organisations/{one}{rest}", json=body, headers=headers)
            for one in (house.id, uuid4())
        ]
        assert (foreign.status_code, foreign.content) == (404, unknown.content), f"{method} {rest}"
    assert len(await roles_of(door, house)) == 5


@pytest.mark.parametrize("role", ["approver", "auditor", "member"])
async def test_who_does_not_rule_changes_nothing(door: HttpDoor, house: House, role: str) -> None:
    headers, before = house.people[role].headers, await roles_of(door, house)
    answers = [
        await door.client.put(house.where, json={"name": "Mine"}, headers=headers),
        await door.client.put(house.member(role), json={"role": "owner"}, headers=headers),
        await door.client.delete(house.member("admin"), headers=headers),
        await door.client.get(f"{house.where}/invitations", headers=headers),
        await door.client.post(f"{house.where}/invitations", json={"email": "x@example.org"}, headers=headers),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "ACCESS_DENIED")] * 5
    assert await roles_of(door, house) == before


async def test_an_admin_rules_but_not_over_owners(door: HttpDoor, house: House) -> None:
    headers = house.people["admin"].headers
    put = [
        (await door.client.put(house.member("member"), json={"role": "approver"}, headers=headers)).status_code,
        (await door.client.put(house.member("member"), json={"role": "owner"}, headers=headers)).status_code,
        (await door.client.put(house.member("admin"), json={"role": "owner"}, headers=headers)).status_code,
        (await door.client.put(house.member("owner"), json={"role": "member"}, headers=headers)).status_code,
        (await door.client.delete(house.member("owner"), headers=headers)).status_code,
        (await door.client.delete(house.member("auditor"), headers=headers)).status_code,
    ]
    assert put == [204, 403, 403, 403, 403, 204]
    as_owner = {"email": "x@example.org", "role": "owner"}
    assert (await door.client.post(f"{house.where}/invitations", json=as_owner, headers=headers)).status_code == 403


async def test_the_last_owner_stays(door: HttpDoor, house: House) -> None:
    headers = house.people["owner"].headers
    left = await door.client.delete(house.member("owner"), headers=headers)
    stepped_down = await door.client.put(house.member("owner"), json={"role": "member"}, headers=headers)
    assert [(one.status_code, one.json()["code"]) for one in (left, stepped_down)] == [(409, "CONFLICT")] * 2
    assert (await door.client.put(house.member("admin"), json={"role": "owner"}, headers=headers)).status_code == 204
    assert (await door.client.delete(house.member("owner"), headers=headers)).status_code == 204
    assert (await door.client.get(house.where, headers=headers)).status_code == 404


async def test_two_owners_who_leave_at_once_leave_one(door: HttpDoor, house: House) -> None:
    await door.client.put(house.member("admin"), json={"role": "owner"}, headers=house.people["owner"].headers)
    answers = await asyncio.gather(
        *(door.client.delete(house.member(one), headers=house.people[one].headers) for one in ("owner", "admin"))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_anyone_may_leave(door: HttpDoor, house: House) -> None:
    gone = await door.client.delete(house.member("member"), headers=house.people["member"].headers)
    assert gone.status_code == 204
    assert (await door.client.get(house.where, headers=house.people["member"].headers)).status_code == 404


async def test_an_invitation_is_good_once_for_one_address_and_until_withdrawn(door: HttpDoor, house: House) -> None:
    owner, stranger, other = house.people["owner"], house.people["stranger"], await door.person()
    where = f"{house.where}/invitations"
    sent = await door.client.post(where, json={"email": other.email}, headers=owner.headers)
    token = door.letters.token_for(other.email)
    assert token not in sent.text

    async def accept(person: Person, token: str) -> int:
        answer = await door.client.post("/v1/invitations/acceptances", json={"token": token}, headers=person.headers)
        return answer.status_code

    assert await accept(stranger, token) == 422
    listed = (await door.client.get(where, headers=owner.headers)).json()["items"]
    assert [(one["email"], one["role"]) for one in listed] == [(other.email, "member")]
    assert [await accept(other, token) for _ in range(2)] == [200, 422]
    again = await door.client.post(where, json={"email": stranger.email}, headers=owner.headers)
    assert (await door.client.delete(f"{where}/{again.json()['id']}", headers=owner.headers)).status_code == 204
    assert await accept(stranger, door.letters.token_for(stranger.email)) == 422


async def test_nobody_writes_to_the_world_by_inviting_it(
    door: HttpDoor, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letterboxes, "INVITATIONS", 4)
    before = len(door.letters.letters)
    boss, admin = house.people["owner"], house.people["admin"]
    other = await door.client.post("/v1/organisations", json={"name": "Second"}, headers=admin.headers)
    answers = []
    for number in range(6):
        where = (house.where, f"/v1/organisations/{other.json()['id']}")[number % 2]
        body = {"email": f"{uuid4().hex}@example.org"}
        answers.append(await door.client.post(f"{where}/invitations", json=body, headers=admin.headers))
    assert [answer.status_code for answer in answers] == [201] * 4 + [429] * 2
    assert (answers[-1].json()["code"], len(door.letters.letters)) == ("RATE_LIMITED", before + 4)
    body = {"email": f"{uuid4().hex}@example.org"}
    monkeypatch.setattr(letterboxes, "INVITATIONS", 5)
    fifth = await door.client.post(f"{house.where}/invitations", json=body, headers=boss.headers)
    assert fifth.status_code == 201, "another account has a budget of its own"


async def test_a_member_who_is_invited_again_keeps_the_role(door: HttpDoor, house: House) -> None:
    joined = await join(door, house.where, house.people["owner"], house.people["approver"], "member")
    assert joined.json()["role"] == "approver"


async def test_role_changes_are_in_the_ledger(door: HttpDoor, house: House) -> None:
    headers = house.people["owner"].headers
    await door.client.put(house.member("member"), json={"role": "auditor"}, headers=headers)
    async with door.stores.superuser() as connection:
        row = await connection.fetchrow(
            "SELECT actor, details ->> 'before' AS before, details ->> 'role' AS role, organisation_id FROM audit_logs"
            " WHERE owner_user_id = $1 AND event_type = 'member.role'",
            house.people["member"].account.owner,
        )
    assert row is not None
    assert tuple(map(str, row)) == (house.people["owner"].account.jid, "member", "auditor", house.id)


@pytest.mark.parametrize("role", ["member", "stranger"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO memberships (organisation_id, user_id, role, created_at) VALUES ($1, $2, 'owner', now())",
        "UPDATE memberships SET role = 'owner' WHERE organisation_id = $1 AND user_id = $2",
        "DELETE FROM memberships WHERE organisation_id = $1 AND user_id <> $2",
        "UPDATE organisations SET name = 'Mine' WHERE id = $1 AND $2::uuid IS NOT NULL",
        "DELETE FROM invitations WHERE organisation_id = $1 AND $2::uuid IS NOT NULL",
        (
            "INSERT INTO invitations (id, organisation_id, email, role, hash, invited_by, created_at, expires_at)"
            " VALUES (gen_random_uuid(), $1, 'x', 'owner', sha256('x'), $2, now(), now())"
        ),
    ],
)
async def test_the_database_refuses_it_too(door: HttpDoor, house: House, role: str, statement: str) -> None:
    """The gateway's own role, with every check of the commands left out."""
    before = await roles_of(door, house)
    user = house.people[role].account.owner
    try:
        async with owner_scope(door.stores.pools["gateway"], user) as connection:
            done = await connection.execute(statement, UUID(house.id), user)
        assert done.endswith(" 0")
    except asyncpg.InsufficientPrivilegeError:
        pass
    assert await roles_of(door, house) == before


async def test_a_stranger_reads_no_row_of_it(door: HttpDoor, house: House) -> None:
    for person, some in (("stranger", False), ("member", True)):
        async with owner_scope(door.stores.pools["gateway"], house.people[person].account.owner) as connection:
            for table in ("organisations", "memberships"):
                count = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 -- fixed names
                assert (count > 0) == some, f"{person} {table}"
            members = await connection.fetch("SELECT * FROM find_members($1)", UUID(house.id))
            assert bool(members) == some
