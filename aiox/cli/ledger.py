"""`aiox ledger ...`: the ledger from the operator's shell."""

from __future__ import annotations

import secrets as random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from aiox.cli.ledger_files import keep, write
from aiox.cli.stack.containers import hand_on
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import (
    ledger_checkpoints,
    ledger_export,
    ledger_keys,
    ledger_proof,
    ledger_seal,
    ledger_verify,
    ledger_witnesses,
)
from aiox.commands.hub import Actor, Hub
from aiox.commands.ledger_checkpoints import ListCheckpoints, Signed
from aiox.commands.ledger_export import ExportLedger, Form
from aiox.commands.ledger_keys import Seeds
from aiox.commands.ledger_proof import WhichCheckpoint, WhichRecord
from aiox.commands.ledger_scope import Scope
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing, parse_keys
from aiox.runtime.settings import Settings
from policy.cosignatures import WitnessSigner
from policy.ledger import Fault
from registry import checkpoints

_KEYS = "ledger_keys"
_SIGNER = "orchestrator"
Answer = TypeVar("Answer")


async def verify(settings: Settings) -> str:
    """Checks the whole ledger of a running hub. Returns the head in words. Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        found = await ledger_verify.run(hub, actor)
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    if isinstance(found, Fault):
        raise CannotGoOn(
            f"record {found.seq} of the ledger is bad: {found.what}. Mend: docs/ledger.md, 'When it does not hold'"
        )
    seq, head = found
    return f"The ledger holds: {seq} records, head {head.hex()}."


async def export(settings: Settings, file: Path, form: Form, *, witnessed: bool = False) -> str:
    """Writes everybody's records with their proofs. Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        lines = _granted(
            await ledger_export.run(hub, actor, ExportLedger(scope=Scope.HUB, format=form, witnessed=witnessed))
        )
        size = await write(file, lines)
    return f"{file}: {size} bytes. 'aiox ledger verify {file}' checks it, here and anywhere."


async def checkpoint(settings: Settings) -> str:
    """The newest signed checkpoint as it is."""
    signed = await _signed(settings)
    if not signed.checkpoints:
        raise CannotGoOn("no checkpoint has been signed yet. Mend: wait a minute while the orchestrator runs")
    return signed.checkpoints[0].note.rstrip("\n")


async def keys(settings: Settings) -> str:
    """Every key that ever signed, one a line, the newest first."""
    lines = [str(stored.key) for stored in (await _signed(settings)).keys]
    return "\n".join(lines)


async def witnesses(settings: Settings) -> str:
    """Who vouches for whose ledger. Raises CannotGoOn, SecretMissing."""
    seeds = parse_keys(Home(settings.home).secrets("component").read("hub_keys"))
    own = [str(WitnessSigner(f"{settings.domain}/witness", seed).verifier) for seed in seeds.values()]
    async with _hub(settings) as (hub, actor):
        found = _granted(await ledger_witnesses.run(hub, actor))
    lines = ["This hub co-signs with:", *own, "Its ledger is co-signed by:"]
    lines += [f"{one.witness} up to record {one.size}, {one.signed_at:%Y-%m-%d %H:%M:%S}" for one in found.cosigned]
    lines.append("It has co-signed:")
    for log in found.seen:
        state = f"; REWRITTEN, seen {log.forked_at:%Y-%m-%d %H:%M:%S}" if log.forked_at else ""
        lines.append(f"{log.origin} up to record {log.seen.size}, {log.seen_at:%Y-%m-%d %H:%M:%S}{state}")
    if found.doubts:
        lines.append("It was called rewritten by:")
        lines += [f"{one.domain}, who knew {one.size} records, {one.said_at:%Y-%m-%d %H:%M:%S}" for one in found.doubts]
    return "\n".join(lines)


async def proof(settings: Settings, seq: int) -> str:
    """One record with its proof (c2sp.org/tlog-proof). Raises CannotGoOn."""
    async with _hub(settings) as (hub, actor):
        return _granted(await ledger_proof.prove_record(hub, actor, WhichRecord(seq=seq))).rstrip("\n")


async def consistency(settings: Settings, old: int) -> str:
    """The hashes that prove an older tree to be the beginning of the newest, one a line, and its checkpoint."""
    async with _hub(settings) as (hub, actor):
        found = _granted(await ledger_proof.prove_consistency(hub, actor, WhichCheckpoint(old=old)))
    return "\n".join([*(step.hex() for step in found.proof), "", found.newest.note.rstrip("\n")])


async def seal(settings: Settings, before: datetime) -> str:
    """Moves old records into a file. Raises CannotGoOn."""
    home = Home(settings.home)
    async with _hub(settings) as (hub, actor):
        keeper = await postgres.connect_keeper(settings, home.secrets("stack"))
        try:
            into, remove = partial(keep, settings.home / "ledger"), partial(checkpoints.seal, keeper)
            done = _granted(await ledger_seal.run(hub, actor, before, into, remove))
        finally:
            await keeper.close()
    return (
        f"Records {done.first} to {done.last} are sealed: {done.file}. Keep this file; the database has them no longer."
    )


async def rotate_key(settings: Settings) -> str:
    """Lets a new key sign beside the old one."""
    home = Home(settings.home)
    secrets = home.secrets(_SIGNER)
    async with _hub(settings) as (hub, actor):
        seeds = parse_keys(secrets.read(_KEYS))
        found = _granted(await ledger_keys.rotate(hub, actor, seeds, lambda: random.token_bytes(32)))
    secrets.write(_KEYS, _rendered(found))
    hand_on(home, _SIGNER, _KEYS)
    return f"Key {max(found)} signs from the next checkpoint on, beside the old one. Later: 'aiox ledger retire-key'."


async def retire_key(settings: Settings) -> str:
    """Lets the newest key sign alone, and deletes the old one. Raises CannotGoOn."""
    home = Home(settings.home)
    secrets = home.secrets(_SIGNER)
    async with _hub(settings) as (hub, actor):
        found = _granted(await ledger_keys.retire(hub, actor, parse_keys(secrets.read(_KEYS))))
    secrets.write(_KEYS, _rendered(found))
    hand_on(home, _SIGNER, _KEYS)
    return f"Key {max(found)} signs alone now; what the old one signed stays valid."


def _rendered(seeds: Seeds) -> str:
    return "".join(f"{number}:{seed.hex()}\n" for number, seed in seeds.items())


async def _signed(settings: Settings) -> Signed:
    async with _hub(settings) as (hub, actor):
        return _granted(await ledger_checkpoints.run(hub, actor, ListCheckpoints(limit=1)))


def _granted(result: Answer | Refused) -> Answer:
    if isinstance(result, Refused):
        raise CannotGoOn(result.reason)
    return result


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[tuple[Hub, Actor]]:
    secrets = Home(settings.home).secrets("gateway")
    pool = await postgres.connect(settings, secrets, "gateway", size=1)
    try:
        hub = Hub(pool, LiveKeyRing.of(secrets), SystemClock(), settings.domain)
        yield hub, Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}"))
    finally:
        await pool.close()
