"""Other hubs' keys and witnesses over HTTP: admins let go of keys, auditors read, nobody else; each change is a row."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.postgres import owner_scope
from policy.cosignatures import WitnessSigner
from policy.hub_documents import HubDocument, signed
from policy.ledger import Record
from policy.notes import Checkpoint, SignerKey
from policy.peers import Standing
from registry import checkpoints, hub_documents, ledger, peers, witness
from registry.witness import Cosignature
from tests.integration.gateway.door import HttpDoor
from tests.integration.gateway.test_group_quotas import admin, asked
from tests.ledger_signer import Signer
from tests.stores import NOW, Stores

SEED = bytes(range(2, 34))


async def pinned(stores: Stores, domain: str) -> HubDocument:
    """As the XMPP door pins a hub at introduction."""
    signer = SignerKey(f"{domain}/hub", SEED)
    ledger_key = SignerKey(f"{domain}/ledger", SEED).verifier
    key = WitnessSigner(f"{domain}/witness", SEED).verifier
    document = HubDocument(domain, 1, (signer.verifier,), (key,), (ledger_key,))
    assert await hub_documents.put(stores.pools["component"], document, signed(document, [signer]), NOW)
    return document


async def test_pinned_keys_are_listed_and_let_go_of_by_an_admin_alone(door: HttpDoor) -> None:
    nobody, auditor, ruler = await door.person(), await admin(door, "hub_auditor"), await admin(door)
    domain = f"{uuid4().hex}.example"
    document = await pinned(door.stores, domain)
    await asked(door, ruler, "PUT", f"/v1/peers/{domain}", {"see": True})
    async with owner_scope(door.stores.pools["component"], HUB_OWNER) as connection:
        assert await peers.freeze(connection, domain, NOW)
    keys = f"/v1/hubs/{domain}/keys"
    assert (await asked(door, nobody, "GET", "/v1/hubs")).status_code == 403
    listed = (await asked(door, auditor, "GET", "/v1/hubs")).json()["items"]
    [one] = [found for found in listed if found["domain"] == domain]
    assert one["keys"] == [str(key) for key in document.keys]
    assert one["witness_keys"] == [str(key) for key in document.witnesses]
    assert one["ledger_keys"] == [str(key) for key in document.ledger]
    for person in (nobody, auditor):
        assert (await asked(door, person, "DELETE", keys)).status_code == 403
    assert await hub_documents.find(door.stores.pools["component"], domain), "a refusal lets go of nothing"
    assert (await asked(door, ruler, "DELETE", keys.replace(domain, domain.upper()))).status_code == 204
    again = await asked(door, ruler, "DELETE", keys)
    assert (again.status_code, again.json()["code"]) == (404, "NOT_FOUND")
    frozen = (await asked(door, ruler, "GET", f"/v1/peers/{domain}")).json()
    assert frozen["standing"] == str(Standing.FROZEN), "new keys are one thing, letting it in again another"
    assert (await asked(door, ruler, "PATCH", f"/v1/peers/{domain}", {})).json()["standing"] == str(Standing.ALLOWED)
    async with door.stores.superuser() as connection:
        row = await connection.fetchrow(
            "SELECT actor, severity FROM audit_logs WHERE event_type = 'peer.unpinned' AND details ->> 'peer' = $1",
            domain,
        )
    assert row is not None
    assert (row["actor"], row["severity"]) == (ruler.account.jid, "warning")


async def test_what_names_no_hub_is_said(door: HttpDoor) -> None:
    ruler = await admin(door)
    for domain in ("bob@other.test", "ot%20her.test", "x" * 254):
        answer = await asked(door, ruler, "DELETE", f"/v1/hubs/{domain}/keys")
        assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_witnesses_show_who_vouches_who_doubts_and_whose_ledger_was_rewritten(door: HttpDoor) -> None:
    stores, domain = door.stores, f"{uuid4().hex}.example"
    auditor, nobody = await admin(door, "hub_auditor"), await door.person()
    component = stores.pools["component"]
    signer = await Signer.of(stores)
    await signer.append(nobody.account.owner, 1)
    await signer.sign()
    newest = await checkpoints.newest(component)
    assert newest is not None
    by = WitnessSigner(f"{domain}/witness", SEED)
    line = by.cosign(Checkpoint.parse(newest.note.partition("\n\n")[0] + "\n").text, 1_800_000_000)
    await witness.keep(component, Cosignature(newest.size, str(by.verifier), line, NOW))
    theirs = Checkpoint(f"{domain}/ledger", 7, bytes(32))
    await witness.remember(component, domain, theirs, "note", None, NOW)
    await witness.forked(component, theirs.origin, "another", NOW + timedelta(seconds=1))
    doubt = Record(uuid4(), HUB_OWNER, "witness.doubted", "error", {"peer": domain, "size": 5}, NOW, "component")
    await ledger.append(component, [doubt])
    assert (await asked(door, nobody, "GET", "/v1/ledger/witnesses")).status_code == 403
    found = (await asked(door, auditor, "GET", "/v1/ledger/witnesses")).json()
    [cosigned] = [one for one in found["cosigned"] if one["witness"] == str(by.verifier)]
    [seen] = [one for one in found["seen"] if one["domain"] == domain]
    [said] = [one for one in found["doubts"] if one["domain"] == domain]
    assert cosigned["size"] == newest.size
    assert (seen["size"], seen["forked_at"] is None) == (7, False)
    assert said["size"] == 5
