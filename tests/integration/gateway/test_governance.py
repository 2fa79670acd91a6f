"""Approvals and policies over HTTP: who sees what, and what is answered to whom."""

from __future__ import annotations

from uuid import UUID, uuid4

from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.verdict import Hold
from aiox.runtime.postgres import owner_scope
from policy import approvals as rules
from policy.approvals import Approval, Call
from registry import approvals, tenants
from registry.approvals import Kept
from tests.integration.gateway.door import HttpDoor, Person
from tests.integration.governance import join, message_event, organisation

FOUR_EYES = Hold("four_eyes", ("hub/two",))


def actor_of(person: Person) -> Actor:
    return Actor(person.account.owner, person.account.jid)


async def waiting(door: HttpDoor, person: Person, terms: Hold = FOUR_EYES) -> Approval:
    """An approval that this person's turn asked for."""
    actor, pool = actor_of(person), door.stores.pools["orchestrator"]
    agent = AgentId(UUID(await door.agent(person)))
    call = Call(actor.jid, agent, uuid4(), "append_line", b'{"line":"x"}', "p")
    requester = await approvals.find_person(pool, actor.jid, actor.owner)
    new = rules.ask(uuid4(), call, terms, requester, door.inner.hub.clock.now())
    async with owner_scope(pool, actor.owner) as connection:
        ring = await tenants.ring_of(connection, door.stores.keys, OwnerId(actor.owner))
        await approvals.add(connection, ring, Kept(new, actor.owner, TurnId(uuid4()), message_event(actor.jid, agent)))
    return new


async def listed(door: HttpDoor, person: Person) -> list[str]:
    answer = await door.client.get("/v1/approvals", headers=person.headers)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def decide(door: HttpDoor, person: Person, approval: Approval, how: str, digest: str = "") -> tuple[int, str]:
    answer = await door.client.post(
        f"/v1/approvals/{approval.id}/{how}", json={"digest": digest or approval.digest}, headers=person.headers
    )
    return answer.status_code, answer.json().get("code") or answer.json()["state"]


async def test_only_those_concerned_see_it_and_only_others_than_who_asked_decide(door: HttpDoor) -> None:
    owner, approver, member, stranger = [await door.person() for _ in range(4)]
    scope = await organisation(door.stores, actor_of(owner))
    await join(door.stores, scope, actor_of(approver), "approver")
    await join(door.stores, scope, actor_of(member), "member")
    approval = await waiting(door, owner)
    for person, sees in ((owner, True), (approver, True), (member, False), (stranger, False)):
        assert await listed(door, person) == ([str(approval.id)] if sees else [])
        answer = await door.client.get(f"/v1/approvals/{approval.id}", headers=person.headers)
        assert answer.status_code == (200 if sees else 404)
    for person in (member, stranger):
        assert await decide(door, person, approval, "approve") == (404, "NOT_FOUND")
    assert await decide(door, owner, approval, "approve") == (403, "ACCESS_DENIED")
    assert await decide(door, approver, approval, "approve", "0" * 64) == (409, "CONFLICT")
    assert await decide(door, approver, approval, "deny") == (200, "denied")
    assert await decide(door, approver, approval, "approve") == (404, "NOT_FOUND")
    assert await listed(door, owner) == []


async def test_what_is_shown_comes_from_the_call(door: HttpDoor) -> None:
    owner = await door.person()
    approval = await waiting(door, owner)
    shown = (await door.client.get(f"/v1/approvals/{approval.id}", headers=owner.headers)).json()
    assert shown["shown"]["arguments"] == [["line", "x"]]
    assert (shown["digest"], shown["mine_to_decide"], shown["kind"]) == (approval.digest, False, "four_eyes")


async def test_a_second_factor_is_a_session_that_began_with_one(door: HttpDoor) -> None:
    owner, approver = await door.person(), await door.person()
    scope = await organisation(door.stores, actor_of(owner))
    await join(door.stores, scope, actor_of(approver), "approver")
    approval = await waiting(door, owner, Hold("four_eyes", ("hub/two",), quorum=2, second_factor=True))
    assert await decide(door, approver, approval, "approve") == (403, "ACCESS_DENIED")
    async with door.stores.superuser() as connection:
        await connection.execute("SET session_replication_role = replica")
        sealed = b"\0\0\0\1" + bytes(40)
        await connection.execute(
            "INSERT INTO second_factors (owner_user_id, secret, created_at, confirmed_at)"
            " VALUES ($1, $2, now(), now() + interval '1 hour')",
            approver.account.owner,
            sealed,
        )
    assert await decide(door, approver, approval, "approve") == (403, "ACCESS_DENIED")  # it was confirmed later
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE second_factors SET confirmed_at = now() - interval '1 day' WHERE owner_user_id = $1",
            approver.account.owner,
        )
    assert await decide(door, approver, approval, "approve") == (200, "pending")


async def test_policies_over_http(door: HttpDoor) -> None:
    owner, stranger = await door.person(), await door.person()
    scope = await organisation(door.stores, actor_of(owner))
    forbid = '@id("none") forbid(principal, action == Action::"template.list", resource);'
    url = f"/v1/policies/{scope}"
    for person, status in ((stranger, 404), (owner, 200)):
        assert (await door.client.get(url, headers=person.headers)).status_code == status
        assert (await door.client.get("/v1/policies/hub", headers=person.headers)).status_code == 404
    bad = await door.client.post(f"{url}/check", json={"text": "permit"}, headers=owner.headers)
    assert bad.json()["faults"]
    refused = await door.client.post(f"{url}/versions", json={"text": "permit"}, headers=owner.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "BODY_INVALID")
    made = await door.client.post(f"{url}/versions", json={"text": forbid}, headers=owner.headers)
    assert (made.status_code, made.json()["version"], made.json()["active"]) == (201, 1, True)
    assert (await door.client.post(f"{url}/rollback", json={"version": 9}, headers=owner.headers)).status_code == 404
    agent = await door.agent(owner)
    asked = {"actor": owner.account.jid, "action": "agent.invoke", "agent_id": agent}
    tried = await door.client.post("/v1/decisions/try", json=asked, headers=owner.headers)
    assert tried.json()["decision"] == "allow"
    assert (await door.client.post("/v1/decisions/try", json=asked, headers=stranger.headers)).status_code == 404
