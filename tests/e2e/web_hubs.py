"""Another hub as the pages show it, which does not run: its keys pinned, its ledger rewritten, itself frozen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from aiox.kernel.canonical import Json
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import Pool
from policy.cosignatures import WitnessSigner
from policy.hub_documents import HubDocument, signed
from policy.ledger import Record
from policy.notes import Checkpoint, SignerKey
from policy.peers import Peer
from registry import checkpoints, hub_documents, ledger, peers, witness
from registry.witness import Cosignature
from tests.e2e.database import superuser
from tests.stack import Account, RunningHub

SEED = bytes(range(3, 35))


@asynccontextmanager
async def _component(hub: RunningHub) -> AsyncIterator[Pool]:
    pool = await postgres.connect(hub.settings, hub.home.secrets("component"), "component", size=1)
    try:
        yield pool
    finally:
        await pool.close()


async def governs(hub: RunningHub, who: Account) -> None:
    """From now on this account is an admin of the hub."""
    async with superuser(hub) as connection:
        await connection.execute("UPDATE users SET hub_role = 'hub_admin' WHERE id = $1", who.actor.owner)


async def frozen_hub(hub: RunningHub) -> str:
    """A hub that was introduced, co-signed our newest checkpoint if there is one, and then showed other keys, another
    ledger, and doubts of ours. Its domain.
    """
    domain, now = f"{uuid4().hex[:8]}.example.net", SystemClock().now()
    signer, by = SignerKey(f"{domain}/hub", SEED), WitnessSigner(f"{domain}/witness", SEED)
    document = HubDocument(domain, 1, (signer.verifier,), (by.verifier,), ())
    theirs = Checkpoint(f"{domain}/ledger", 40, bytes(32))
    async with _component(hub) as pool:
        await hub_documents.put(pool, document, signed(document, [signer]), now)
        await witness.remember(pool, domain, theirs, "note", None, now)
        await witness.forked(pool, theirs.origin, "another", now + timedelta(seconds=1))
        await peers.knock(pool, f"new.{domain}", now)
        newest = await checkpoints.newest(pool)
        if newest is not None:
            line = by.cosign(newest.note.partition("\n\n")[0] + "\n", int(now.timestamp()))
            await witness.keep(pool, Cosignature(newest.size, str(by.verifier), line, now))
        doubt: dict[str, Json] = {"peer": domain, "size": 3}
        await ledger.append(pool, [Record(uuid4(), HUB_OWNER, "witness.doubted", "error", doubt, now, "component")])
    async with superuser(hub) as connection:
        await peers.put(connection, Peer(domain, see=True), "", "met at the fair", now)
        await peers.freeze(connection, domain, now)
    return domain
