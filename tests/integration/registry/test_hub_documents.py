"""Pinned documents in the database: newer ones replace older ones, and a peer whose key changed is stopped there."""

from __future__ import annotations

from uuid import uuid4

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.postgres import owner_scope
from policy.hub_documents import HubDocument, signed
from policy.notes import SignerKey
from policy.peers import Peer, Standing
from registry import hub_documents, peers
from tests.stores import NOW, Stores

SIGNER = SignerKey("x.example/hub", bytes(32))


def document(domain: str, number: int) -> HubDocument:
    return HubDocument(domain, number, (SIGNER.verifier,), (), ())


async def test_a_newer_one_replaces_an_older_one_and_not_the_other_way_round(stores: Stores) -> None:
    pool, domain = stores.pools["component"], f"{uuid4().hex}.example"
    assert await hub_documents.find(pool, domain) is None
    for number, done in ((5, True), (7, True), (6, False), (7, True)):
        made = document(domain, number)
        assert await hub_documents.put(pool, made, signed(made, [SIGNER]), NOW) is done
    found = await hub_documents.find(pool, domain)
    assert found is not None
    assert (found.document, found.pinned_at) == (document(domain, 7), NOW)
    gateway = stores.pools["gateway"]
    assert domain in [one.document.domain for one in await hub_documents.list_all(gateway)]
    async with owner_scope(gateway, HUB_OWNER) as connection:
        assert await hub_documents.forget(connection, domain)
        assert not await hub_documents.forget(connection, domain)


async def test_the_door_stops_a_peer_and_can_do_no_more_with_it(stores: Stores) -> None:
    name, gateway = f"{uuid4().hex}.example", stores.pools["gateway"]
    async with owner_scope(gateway, HUB_OWNER) as connection:
        await peers.put(connection, Peer(name, see=True), "", "", NOW)
    async with stores.pools["component"].acquire() as door:
        assert await peers.freeze(door, name, NOW)
        assert not await peers.freeze(door, name, NOW)
    assert (await peers.snapshot(gateway)).peers[name].standing is Standing.FROZEN
    async with owner_scope(gateway, HUB_OWNER) as connection:
        await peers.remove(connection, name)
