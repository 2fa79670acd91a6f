"""Peers over HTTP: admins rule, auditors read, nobody else; every change is a row of the ledger."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from aiox.cli.stack.ca import new_ca, new_leaf
from aiox.runtime.certificates import fingerprint
from aiox.runtime.clock import SystemClock
from registry import peers
from tests.integration.gateway.door import HttpDoor
from tests.integration.gateway.test_group_quotas import admin, asked

OFF = {"see": False, "invoke": False, "spend": False}


def certificate() -> str:
    return new_leaf(new_ca(SystemClock().now()), "b.test", [], SystemClock().now())[0]


async def test_a_peer_comes_with_everything_off_and_is_changed_blocked_and_removed(door: HttpDoor) -> None:
    ruler, name = await admin(door), f"{uuid4().hex}.example"
    one = f"/v1/peers/{name}"
    made = (await asked(door, ruler, "PUT", one, {})).json()
    assert made | OFF == made
    assert (made["standing"], made["proof"], made["certificate"]) == ("allowed", "certificate", "")
    assert made["limits"]["tokens_per_day"] == 500_000
    changed = (await asked(door, ruler, "PATCH", one, {"see": True, "spend": True, "tokens_per_day": 70})).json()
    assert (changed["see"], changed["invoke"], changed["spend"]) == (True, False, True)
    assert changed["limits"] == made["limits"] | {"tokens_per_day": 70}
    blocked = (await asked(door, ruler, "POST", f"{one}/block")).json()
    assert (blocked["standing"], blocked["see"]) == ("blocked", True)
    again = (await asked(door, ruler, "PATCH", one, {})).json()
    assert (again["standing"], again["limits"]["tokens_per_day"]) == ("allowed", 70)
    assert (await asked(door, ruler, "GET", one)).json() == again
    assert name in [row["name"] for row in (await asked(door, ruler, "GET", "/v1/peers")).json()["items"]]
    assert (await asked(door, ruler, "DELETE", one)).status_code == 204
    for method, path in (("GET", one), ("DELETE", one), ("PATCH", one)):
        assert (await asked(door, ruler, method, path, {} if method == "PATCH" else None)).status_code == 404
    async with door.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT event_type, actor FROM audit_logs WHERE details ->> 'name' = $1 ORDER BY seq", name
        )
        left = await connection.fetchval("SELECT count(*) FROM group_quotas WHERE name = $1", name)
    assert [row["event_type"] for row in rows] == [
        *("peer.put", "peer.allowed", "peer.blocked", "peer.allowed", "peer.removed")
    ]
    assert {row["actor"] for row in rows} == {ruler.account.jid}
    assert left == 0, "whoever comes by this name later has no old budget"


async def test_who_knocked_is_listed_accepted_or_forgotten(door: HttpDoor) -> None:
    ruler, name, other = await admin(door), f"{uuid4().hex}.example", f"{uuid4().hex}.example"
    for one in (name, other):
        await peers.knock(door.stores.pools["component"], one, SystemClock().now())
    listed = (await asked(door, ruler, "GET", "/v1/introductions")).json()["items"]
    assert {name, other} <= {one["domain"] for one in listed}
    accepted = await asked(door, ruler, "POST", f"/v1/introductions/{name}/accept", {"see": True})
    assert (accepted.status_code, accepted.json()["see"], accepted.json()["invoke"]) == (200, True, False)
    assert (await asked(door, ruler, "POST", f"/v1/introductions/{name}/accept", {})).status_code == 404
    assert (await asked(door, ruler, "DELETE", f"/v1/introductions/{other}")).status_code == 204
    assert (await asked(door, ruler, "DELETE", f"/v1/introductions/{other}")).status_code == 404
    assert (await asked(door, ruler, "GET", f"/v1/peers/{other}")).status_code == 404


async def test_a_pinned_certificate_is_shown_by_its_fingerprint(door: HttpDoor) -> None:
    ruler, pem = await admin(door), certificate()
    one = f"/v1/peers/{uuid4().hex}.example"
    made = (await asked(door, ruler, "PUT", one, {"certificate": pem})).json()
    assert (made["proof"], made["certificate"]) == ("pinned", fingerprint(pem))
    blocked = (await asked(door, ruler, "POST", f"{one}/block")).json()
    assert blocked["certificate"] == fingerprint(pem)


async def test_rulers_rule_auditors_read_and_others_find_nothing(door: HttpDoor) -> None:
    nobody, auditor, ruler = await door.person(), await admin(door, "hub_auditor"), await admin(door)
    one = f"/v1/peers/{uuid4().hex}.example"
    ways: list[tuple[str, str, dict[str, Any] | None, bool]] = [
        ("PUT", one, {}, False),
        ("GET", one, None, True),
        ("GET", "/v1/peers", None, True),
        ("PATCH", one, {}, False),
        ("POST", f"{one}/block", None, False),
        ("GET", "/v1/introductions", None, True),
        ("DELETE", one, None, False),
    ]
    for method, path, body, reading in ways:
        assert (await asked(door, nobody, method, path, body)).status_code == 403, path
        if not reading:
            assert (await asked(door, auditor, method, path, body)).status_code == 403, path
        assert (await asked(door, ruler, method, path, body)).status_code < 300, path
        if reading:
            assert (await asked(door, auditor, method, path, body)).status_code == 200, path


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("localhost", {}),
        ("agents.localhost", {}),
        ("bob@localhost", {}),
        ("ex ample", {}),
        ("bob@other.test", {"dialback": True}),
        ("other.test", {"certificate": "no certificate"}),
        ("other.test", {"spend": True, "tokens_per_day": -1}),
        ("other.test", {"everything": True}),
    ],
)
async def test_what_makes_no_sense_is_said(door: HttpDoor, name: str, body: dict[str, Any]) -> None:
    answer = await asked(door, await admin(door), "PUT", f"/v1/peers/{name}", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_a_bare_jid_may_be_a_peer(door: HttpDoor) -> None:
    name = f"bob@{uuid4().hex}.example"
    made = await asked(door, await admin(door), "PUT", f"/v1/peers/{name}", {"invoke": True})
    assert (made.status_code, made.json()["name"]) == (200, name)
