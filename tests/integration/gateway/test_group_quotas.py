"""Shared budgets over HTTP: an organisation narrows its own, the hub's admin sets what nobody widens."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.integration.gateway.door import HttpDoor, Person
from tests.integration.gateway.test_governance import actor_of
from tests.integration.governance import join, organisation

NONE: dict[str, Any] = dict.fromkeys(
    ("tokens_per_minute", "tokens_per_day", "max_concurrent_requests", "max_memory_mb", "max_worker_time_ms")
)


async def admin(door: HttpDoor, role: str = "hub_admin") -> Person:
    person = await door.person()
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE users SET hub_role = $2 WHERE id = $1", person.account.owner, role)
    return person


async def asked(
    door: HttpDoor, person: Person, method: str, path: str, body: dict[str, Any] | None = None
) -> httpx.Response:
    return await door.client.request(method, path, json=body, headers=person.headers)


async def test_an_organisation_narrows_what_the_hub_allows_it_and_never_widens_it(door: HttpDoor) -> None:
    owner, ruler = await door.person(), await admin(door)
    house = await organisation(door.stores, actor_of(owner))
    mine, hubs = f"/v1/organisations/{house}/quota", f"/v1/quotas/organisation/{house}"
    assert (await asked(door, owner, "GET", mine)).json()["holding"] == NONE
    made = await asked(door, ruler, "PUT", hubs, {"tokens_per_day": 1000, "max_memory_mb": 5})
    assert (made.status_code, made.json()["limits"]["tokens_per_day"]) == (200, 1000)
    too_much = await asked(door, owner, "PUT", mine, {"tokens_per_day": 1001, "max_memory_mb": 5})
    assert (too_much.status_code, too_much.json()["code"]) == (422, "BODY_INVALID")
    assert "tokens_per_day 1000" in too_much.json()["detail"]
    narrowed = await asked(door, owner, "PUT", mine, {"tokens_per_day": 900, "tokens_per_minute": 50})
    assert narrowed.json() == {
        "organisation_id": str(house),
        "own": NONE | {"tokens_per_day": 900, "tokens_per_minute": 50},
        "hubs": NONE | {"tokens_per_day": 1000, "max_memory_mb": 5},
        "holding": NONE | {"tokens_per_day": 900, "tokens_per_minute": 50, "max_memory_mb": 5},
        "used": {"minute_tokens": 0, "day_tokens": 0},
    }
    await asked(door, ruler, "PUT", hubs, {"tokens_per_day": 10})
    assert (await asked(door, owner, "GET", mine)).json()["holding"]["tokens_per_day"] == 10, "lowered later, it holds"
    assert (await asked(door, ruler, "DELETE", hubs)).status_code == 204
    assert (await asked(door, ruler, "DELETE", hubs)).status_code == 404
    assert (await asked(door, owner, "GET", mine)).json()["holding"]["tokens_per_day"] == 900
    async with door.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT details ->> 'set_by' AS by, details -> 'limits' ->> 'tokens_per_day' AS day FROM audit_logs"
            " WHERE organisation_id = $1 AND event_type = 'quota.set' ORDER BY seq", house,
        )  # fmt: skip
    assert [tuple(row) for row in rows] == [("hub", "1000"), ("organisation", "900"), ("hub", "10")]


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [("admin", 200, 200), ("approver", 200, 403), ("member", 200, 403), (None, 404, 404)],
)
async def test_members_read_rulers_set_and_strangers_find_nothing(
    door: HttpDoor, role: str | None, reads: int, writes: int
) -> None:
    owner, person = await door.person(), await door.person()
    house = await organisation(door.stores, actor_of(owner))
    if role is not None:
        await join(door.stores, house, actor_of(person), role)
    mine = f"/v1/organisations/{house}/quota"
    assert (await asked(door, person, "GET", mine)).status_code == reads
    assert (await asked(door, person, "PUT", mine, {"tokens_per_day": 5})).status_code == writes
    none = await asked(door, person, "GET", f"/v1/organisations/{uuid4()}/quota")
    if role is None:
        assert none.json() | {"instance": ""} == (await asked(door, person, "GET", mine)).json() | {"instance": ""}


async def test_the_hubs_limits_are_for_its_admins_and_auditors_read_them(door: HttpDoor) -> None:
    nobody, auditor, ruler = await door.person(), await admin(door, "hub_auditor"), await admin(door)
    peer = f"/v1/quotas/peer/{uuid4().hex}.example"
    for person, reads, writes in ((nobody, 403, 403), (auditor, 200, 403), (ruler, 200, 200)):
        assert (await asked(door, person, "GET", "/v1/quotas")).status_code == reads
        assert (await asked(door, person, "PUT", peer, {"tokens_per_day": 7})).status_code == writes
    listed = (await asked(door, auditor, "GET", "/v1/quotas")).json()["items"]
    assert {"peer", "default"} <= {one["kind"] for one in listed} | {one["name"] for one in listed}
    assert (await asked(door, nobody, "DELETE", peer)).status_code == 403
    assert (await asked(door, ruler, "DELETE", peer)).status_code == 204


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("organisation/house", {}),
        ("peer/ex%20ample", {}),
        ("peer/example.org", {"max_memory_mb": 5}),
        ("peer/example.org", {"tokens_per_day": -1}),
        ("peer/example.org", {"max_worker_time_ms": 1}),
        ("peer/example.org", {"tokens": 1}),
    ],
)
async def test_what_makes_no_sense_is_said(door: HttpDoor, path: str, body: dict[str, Any]) -> None:
    answer = await asked(door, await admin(door), "PUT", f"/v1/quotas/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_nobody_is_a_member_of_more_organisations_than_are_counted(door: HttpDoor) -> None:
    person = await door.person()
    async with door.stores.superuser() as connection:
        ids = [uuid4() for _ in range(32)]
        await connection.executemany("INSERT INTO organisations VALUES ($1, 'o', now())", [(one,) for one in ids])
        await connection.executemany(
            "INSERT INTO memberships VALUES ($1, $2, 'member', now())", [(one, person.account.owner) for one in ids]
        )
    one_more = await asked(door, person, "POST", "/v1/organisations", {"name": "One more"})
    assert (one_more.status_code, one_more.json()["code"]) == (409, "CONFLICT")
    async with door.stores.superuser() as connection:
        await connection.execute("DELETE FROM memberships WHERE organisation_id = $1", ids[0])
    made = await asked(door, person, "POST", "/v1/organisations", {"name": "One more"})
    assert UUID(made.json()["id"])
