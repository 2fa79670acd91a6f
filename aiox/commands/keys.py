"""The hub's keys, for the operator at the shell: list, add, rotate, retire (SPEC 5).

A rotation makes a new key of the hub, wraps every tenant's data keys with it, gives each tenant a fresh data key, and
seals every record anew, while everything runs. Services read the ring again by themselves (LiveKeyRing).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol
from uuid import uuid4

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from aiox.kernel.units import KEY_KEEP_DAYS
from aiox.runtime.keyring import LARGEST_ID, KeyRing
from aiox.runtime.postgres import Pool
from policy.ledger import Record
from registry import ledger, rotation
from registry.rotation import Resealed

BUSY: Final = Refused(ErrorCode.CONFLICT, "Somebody else works on the keys. Wait until that is done.", ("K0 alone",))


class KeyFiles(Protocol):
    """The ring of the hub's keys, as it lies with every service that needs it."""

    def keys(self) -> Mapping[int, bytes]:
        """All keys of the ring. Raises SecretMissing, and ValueError for a damaged ring."""

    def ring(self) -> KeyRing:
        """The ring itself; it follows what `write` does."""

    def write(self, keys: Mapping[int, bytes], current: int) -> None:
        """Gives every reader these keys. Raises OSError."""

    def fresh(self) -> bytes:
        """A new key."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """What the commands here need beside the hub: the keeper's way into the database, and the files."""

    pool: Pool
    files: KeyFiles


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key of the hub. `data_keys`: those of tenants that it wraps."""

    id: int
    current: bool
    data_keys: int


@dataclass(frozen=True, slots=True)
class KeysListed:
    """The ring, and the key of a rotation that was broken off."""

    keys: Sequence[KeyShown]
    old_data_keys: int
    unfinished: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation is: `pass_` counts from 1, and only the first goes through everything."""

    pass_: int
    tenants: int
    records: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotation that is done. `damaged` records were left as they were: no key opens them."""

    hub_key: int
    tenants: int
    records: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Retired:
    """What is gone."""

    hub_keys: tuple[int, ...]
    data_keys: int


class RetireKeys(Fields):
    """Keys without use go. Data keys stay `keep_days` longer, because Redis may hold a conversation under them."""

    keep_days: int = Field(KEY_KEEP_DAYS, ge=0, le=3650)


Report = Callable[[Progress], None]
Settle = Callable[[], Awaitable[None]]
"""Waits until nothing seals with an older key any more."""


async def list_keys(hub: Hub, actor: Actor, keeper: Keeper) -> KeysListed | Refused:
    """The ring's keys by id, never the keys themselves."""
    no = await refused(hub, actor, Action.KEY_LIST, HUB_OWNER)
    if no is not None:
        return no
    wrapped = {one.hub_key: one for one in await rotation.count_wrapped(keeper.pool)}
    current = keeper.files.ring().current
    ids = sorted({*keeper.files.keys(), *wrapped})
    shown = [KeyShown(one, one == current, wrapped[one].data_keys if one in wrapped else 0) for one in ids]
    old = sum(one.old_data_keys for one in wrapped.values())
    return KeysListed(shown, old, await rotation.unfinished(keeper.pool))


async def add(hub: Hub, actor: Actor, keeper: Keeper) -> int | Refused:
    """Puts a new key on the ring, not yet current, so that every service knows it. Returns its id."""
    no = await refused(hub, actor, Action.KEY_ADD, HUB_OWNER)
    if no is not None:
        return no
    try:
        async with rotation.alone(keeper.pool):
            return await _add(hub, actor, keeper)
    except rotation.AnotherRotation:
        return BUSY


async def rotate(hub: Hub, actor: Actor, keeper: Keeper, settle: Settle, report: Report) -> Rotated | Refused:
    """Exchanges all keys. Broken off, it goes on where it was when it is called again."""
    no = await refused(hub, actor, Action.KEY_ROTATE, HUB_OWNER)
    if no is not None:
        return no
    try:
        async with rotation.alone(keeper.pool):
            hub_key = await rotation.unfinished(keeper.pool) or await _begin(hub, actor, keeper)
            done = await _passes(hub, keeper, hub_key, settle, report)
            await rotation.finish(keeper.pool, hub_key, done.records, hub.clock.now())
            details: dict[str, Json] = {"hub_key": hub_key, "records": done.records, "damaged": done.damaged}
            await _record(hub, actor, "key.rotated", details)
            return done
    except rotation.AnotherRotation:
        return BUSY


async def retire(hub: Hub, actor: Actor, keeper: Keeper, fields: RetireKeys, held: timedelta) -> Retired | Refused:
    """Deletes keys that nothing needs any more. A backup made before needs the keys of its own time.

    `held`: how long a turn may hold an old ring, and seal with it. A key that was replaced since stays all the same.
    """
    no = await refused(hub, actor, Action.KEY_RETIRE, HUB_OWNER)
    if no is not None:
        return no
    try:
        async with rotation.alone(keeper.pool):
            before = hub.clock.now() - max(timedelta(days=fields.keep_days), held)
            tenants = rotation.tenants(keeper.pool)
            data_keys = sum([await rotation.retire(keeper.pool, one, before) async for one in tenants])
            gone = await _drop_unused(keeper)
            await _record(hub, actor, "key.retired", {"hub_keys": list(gone), "data_keys": data_keys})
            return Retired(gone, data_keys)
    except rotation.AnotherRotation:
        return BUSY


async def _add(hub: Hub, actor: Actor, keeper: Keeper) -> int:
    keys = dict(keeper.files.keys())
    new = max(keys) + 1
    if new > LARGEST_ID:
        raise OverflowError("the ring has had all ids that a key can have")
    keeper.files.write({**keys, new: keeper.files.fresh()}, keeper.files.ring().current)
    await _record(hub, actor, "key.added", {"hub_key": new})
    return new


async def _begin(hub: Hub, actor: Actor, keeper: Keeper) -> int:
    """Makes the newest key current, a new one when it is that already. First all know it, then it is used."""
    newest = max(keeper.files.keys())
    new = newest if newest != keeper.files.ring().current else await _add(hub, actor, keeper)
    await rotation.begin(keeper.pool, new, hub.clock.now())
    await _record(hub, actor, "key.rotation_began", {"hub_key": new})
    return new


async def _passes(hub: Hub, keeper: Keeper, hub_key: int, settle: Settle, report: Report) -> Rotated:
    """Goes through all tenants until nothing is left, at least once after everyone has let go of the old keys."""
    keeper.files.write(keeper.files.keys(), hub_key)
    first = await _pass(hub, keeper, 1, report)
    await settle()
    records, number = first.records, 1
    while True:
        number += 1
        again = await _pass(hub, keeper, number, report)
        records += again.records
        if again.records == 0:
            return Rotated(hub_key, again.tenants, records, again.damaged)


async def _pass(hub: Hub, keeper: Keeper, number: int, report: Report) -> Progress:
    keys = keeper.files.ring()
    own = await rotation.reseal(keeper.pool, keys, HUB_OWNER)
    progress = _further(Progress(number, 0, 0, 0), own, 0)
    async for tenant in rotation.tenants(keeper.pool):
        await rotation.renew(keeper.pool, keys, tenant, hub.clock.now())
        progress = _further(progress, await rotation.reseal(keeper.pool, keys, tenant), 1)
        report(progress)
    return progress


def _further(progress: Progress, done: Resealed, tenants: int) -> Progress:
    return Progress(
        progress.pass_, progress.tenants + tenants, progress.records + done.records, progress.damaged + done.damaged
    )


async def _drop_unused(keeper: Keeper) -> tuple[int, ...]:
    """Hub keys that wrap and seal nothing, but for the newest, which may be there to become current."""
    wrapping = {one.hub_key for one in await rotation.count_wrapped(keeper.pool)}
    keys, current = dict(keeper.files.keys()), keeper.files.ring().current
    old = [one for one in keys if one < current and one not in wrapping]
    gone = [one for one in old if not await rotation.hub_key_seals(keeper.pool, HUB_OWNER, one)]
    if gone:
        keeper.files.write({one: key for one, key in keys.items() if one not in gone}, current)
    return tuple(gone)


async def _record(hub: Hub, actor: Actor, event: str, details: dict[str, Json]) -> None:
    record = Record(
        id=uuid4(),
        owner=HUB_OWNER,
        event_type=event,
        severity="info",
        details=details,
        created_at=hub.clock.now(),
        actor=actor.jid,
    )
    await ledger.append(hub.pool, [record])
