"""`aiox hub ...` and `aiox ledger witnesses`: keys that sign, keys that are pinned, and beginning anew."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from aiox.cli import hubs as shell
from aiox.cli import ledger
from aiox.cli.stack.trouble import CannotGoOn
from policy.cosignatures import WitnessSigner
from policy.hub_documents import HubDocument, signed
from policy.notes import Checkpoint, SignerKey
from registry import hub_documents, witness
from tests.stores import NOW, Stores

OTHER = SignerKey("b.example/hub", bytes(32))


@pytest.fixture
def kept_keys(stores: Stores) -> Iterator[None]:
    """The home's keys are others' business too."""
    secrets = stores.home.secrets("component")
    before = secrets.read(shell.NAME)
    yield
    secrets.write(shell.NAME, before)


async def events(stores: Stores, event: str) -> int:
    async with stores.superuser() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM audit_logs WHERE event_type = $1", event))


@pytest.mark.usefixtures("kept_keys")
async def test_a_key_is_exchanged_with_overlap(stores: Stores) -> None:
    def own() -> list[str]:
        return list(stores.home.secrets("component").read(shell.NAME).splitlines())

    [first] = own()
    with pytest.raises(CannotGoOn, match="One key signs alone"):
        await shell.retire_key(stores.settings)
    assert "Key 2 signs beside the old one" in await shell.rotate_key(stores.settings)
    second, old = own()
    assert (second.startswith("2:"), old) == (True, first)
    assert (await shell.keys(stores.settings)).count(f"{stores.settings.domain}/hub+") == 2
    assert "Key 2 signs alone" in await shell.retire_key(stores.settings)
    assert own() == [second]
    assert (await events(stores, "key.hub_rotated"), await events(stores, "key.hub_retired")) == (1, 1)


async def test_a_hubs_keys_are_shown_and_let_go_of(stores: Stores) -> None:
    domain, pool = f"{uuid4().hex}.example", stores.pools["component"]
    key = WitnessSigner(f"{domain}/witness", bytes(32)).verifier
    document = HubDocument(domain, 1, (OTHER.verifier,), (key,), ())
    await hub_documents.put(pool, document, signed(document, [OTHER]), NOW)
    seen = Checkpoint(f"{domain}/ledger", 7, bytes(32))
    await witness.remember(pool, domain, seen, "note", None, NOW)
    shown = await shell.keys(stores.settings)
    assert f"{domain}, pinned 2026-01-02 03:04:" in shown
    assert str(key) in shown
    told = next(line for line in (await ledger.witnesses(stores.settings)).splitlines() if domain in line)
    assert f"{domain}/ledger up to record 7" in told
    assert "REWRITTEN" not in told
    await witness.forked(pool, seen.origin, "other", NOW)
    assert "REWRITTEN" in await ledger.witnesses(stores.settings)
    before = await events(stores, "peer.unpinned")
    assert domain in await shell.unpin(stores.settings, domain.upper())
    assert domain not in await shell.keys(stores.settings)
    assert domain not in await ledger.witnesses(stores.settings)
    assert await events(stores, "peer.unpinned") == before + 1
    for unknown in (domain, "not a domain", "ada@b.example"):
        with pytest.raises(CannotGoOn):
            await shell.unpin(stores.settings, unknown)
