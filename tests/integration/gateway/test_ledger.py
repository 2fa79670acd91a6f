"""The ledger over HTTP: one's own records, the auditor's view, exports and proofs that hold without the hub."""

from __future__ import annotations

import pytest

from policy.audit import verify_export
from policy.exports import from_csv
from policy.findings import Known, Verified
from policy.merkle import verify_consistency
from policy.notes import Checkpoint, VerifierKey, open_checkpoint
from policy.tlog_proof import Proven, verify_proof
from tests.integration.gateway.door import HttpDoor, Person
from tests.ledger_signer import ORIGIN, Signer


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def eve(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def signer(door: HttpDoor) -> Signer:
    return await Signer.of(door.stores)


async def auditor(door: HttpDoor) -> Person:
    person = await door.person()
    async with door.stores.superuser() as connection:
        await connection.execute("UPDATE users SET hub_role = 'hub_auditor' WHERE id = $1", person.account.owner)
    return person


async def test_an_owner_reads_their_own_records_page_by_page(door: HttpDoor, ada: Person, eve: Person) -> None:
    await door.agent(ada)
    await door.agent(eve)
    seen, below = [], ""
    while True:
        answer = await door.client.get(f"/v1/ledger?limit=2{below}", headers=ada.headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += page["items"]
        if page["next"] is None or len(seen) > 20:
            break
        below = f"&below={page['next']}"
    assert {row["owner_user_id"] for row in seen} == {str(ada.account.owner)}
    assert len({row["seq"] for row in seen}) == len(seen)
    assert [row["seq"] for row in seen] == sorted((row["seq"] for row in seen), reverse=True)
    assert "agent.create" in {row["details"].get("action") for row in seen}


async def test_filters(door: HttpDoor, ada: Person) -> None:
    await door.agent(ada)
    every = (await door.client.get("/v1/ledger", headers=ada.headers)).json()["items"]
    one = next(row for row in every if row["correlation_id"])
    for query, expected in (
        (f"correlation_id={one['correlation_id']}", [one["seq"]]),
        (f"event_type={one['event_type']}&severity=critical", []),
        ("since=2100-01-01T00:00:00Z", []),
        ("until=2000-01-01T00:00:00Z", []),
    ):
        found = (await door.client.get(f"/v1/ledger?{query}", headers=ada.headers)).json()["items"]
        assert [row["seq"] for row in found] == expected, query


OUT_OF_REACH = ("since=0001-01-01T00:00:00%2B14:00", "until=9999-12-31T23:59:59-14:00")
"""Times of the calendar that do not exist in UTC."""
BAD = ("limit=0", "limit=201", "below=0", "scope=all", "since=yesterday", "unknown=1", *OUT_OF_REACH)


@pytest.mark.parametrize("query", BAD)
async def test_a_bad_query_is_refused(door: HttpDoor, ada: Person, query: str) -> None:
    answer = await door.client.get(f"/v1/ledger?{query}", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_everybodys_records_are_for_the_hubs_auditor(door: HttpDoor, ada: Person, signer: Signer) -> None:
    await door.agent(ada)
    await signer.sign()
    watch = await auditor(door)
    for path in ("/v1/ledger?scope=hub", "/v1/ledger/export?scope=hub"):
        refused = await door.client.get(path, headers=ada.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_DENIED")
    seen = (await door.client.get("/v1/ledger?scope=hub&limit=200", headers=watch.headers)).json()["items"]
    assert str(ada.account.owner) in {row["owner_user_id"] for row in seen}
    decided = [
        row for row in seen if row["actor"] == ada.account.jid and row["details"].get("action") == "ledger.export"
    ]
    assert [row["details"]["decision"] for row in decided] == ["deny"]
    exported = await door.client.get("/v1/ledger/export?scope=hub", headers=watch.headers)
    found = verify_export(exported.content.splitlines(keepends=True), Known((signer.key(),)))
    assert isinstance(found, Verified), found
    assert found.kind == "whole"


async def test_an_export_holds_without_the_hub_and_has_ones_own_records_only(
    door: HttpDoor, ada: Person, eve: Person, signer: Signer
) -> None:
    for person in (ada, eve, ada):
        await door.agent(person)
    await signer.sign()
    known = Known((signer.key(),))
    answer = await door.client.get("/v1/ledger/export", headers=ada.headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = verify_export(answer.content.splitlines(keepends=True), known)
    assert isinstance(found, Verified), found
    assert (found.kind, found.records >= 2) == ("own", True)
    assert str(eve.account.owner) not in answer.text
    table = await door.client.get("/v1/ledger/export?format=csv", headers=ada.headers)
    assert table.headers["content-type"].startswith("text/csv")
    assert isinstance(verify_export(from_csv(table.text.splitlines(keepends=True)), known), Verified)


async def test_checkpoints_and_keys_are_published_and_prove_each_other(
    door: HttpDoor, ada: Person, signer: Signer
) -> None:
    await door.agent(ada)
    old = await signer.sign()
    await door.agent(ada)
    await signer.sign()
    page = (await door.client.get("/v1/ledger/checkpoints?limit=200", headers=ada.headers)).json()
    keys = [VerifierKey.parse(one["key"]) for one in page["keys"]]
    assert signer.key() in keys
    signed = {one["size"]: open_checkpoint(one["note"], keys, ORIGIN) for one in page["items"]}
    answer = (await door.client.get(f"/v1/ledger/checkpoints/{old}/consistency", headers=ada.headers)).json()
    new = signed[answer["newest"]["size"]]
    proof = [bytes.fromhex(step) for step in answer["proof"]]
    assert verify_consistency(old, new.size, proof, signed[old].root, new.root)
    for none in (0, new.size + 1, 1 << 70):
        refused = await door.client.get(f"/v1/ledger/checkpoints/{none}/consistency", headers=ada.headers)
        assert refused.status_code == 404


async def test_one_record_is_proven_to_its_owner(door: HttpDoor, ada: Person, eve: Person, signer: Signer) -> None:
    await door.agent(ada)
    size = await signer.sign()
    seq = (await door.client.get("/v1/ledger?event_type=gate.decision", headers=ada.headers)).json()["items"][0]["seq"]
    while seq > size:  # reading it was a decision, too
        seq -= 1
    proof = await door.client.get(f"/v1/ledger/{seq}/proof", headers=ada.headers)
    assert proof.status_code == 200, proof.text
    found = verify_proof(proof.text, Known((signer.key(),)))
    assert isinstance(found, Proven), found
    assert isinstance(found.checkpoint, Checkpoint)
    answers = [
        await door.client.get(f"/v1/ledger/{number}/proof", headers=eve.headers)
        for number in (seq, 1 << 40, 0, 1 << 70)
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


async def test_nobody_reads_it_without_a_token(door: HttpDoor) -> None:
    for path in ("", "/export", "/checkpoints", "/checkpoints/1/consistency", "/1/proof"):
        assert (await door.client.get(f"/v1/ledger{path}")).status_code == 401
