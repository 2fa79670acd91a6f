"""`aiox key ...`: the hub's keys, from the operator's shell, while the hub runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from aiox.cli.key_files import RingFiles
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import keys
from aiox.commands.hub import Actor, Hub
from aiox.commands.keys import Keeper, KeyShown, Progress, RetireKeys
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.kernel.units import RING_TTL_S
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Settings

SAY_EVERY_S = 1.0
MARGIN_S = 30.0
"""Beyond the longest turn: for its end to be recorded."""


async def list_keys(settings: Settings) -> str:
    """One line per key."""
    async with _keeper(settings) as (hub, actor, keeper):
        found = await keys.list_keys(hub, actor, keeper)
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    lines = [_line(one) for one in found.keys]
    if found.old_data_keys:
        lines.append(f"{found.old_data_keys} data keys are older than their tenant's newest one.")
    if found.unfinished is not None:
        lines.append(f"A rotation to key {found.unfinished} was broken off. 'aiox key rotate' goes on with it.")
    return "\n".join(lines)


async def add(settings: Settings) -> str:
    """Puts a new key on the ring."""
    async with _keeper(settings) as (hub, actor, keeper):
        made = await keys.add(hub, actor, keeper)
    if isinstance(made, Refused):
        raise CannotGoOn(made.reason)
    return f"Key {made} is on the ring. 'aiox key rotate' makes it current."


async def rotate(settings: Settings, settle_s: float | None = None) -> str:
    """Exchanges all keys, and says how far it is. Waits `settle_s`, or as long as a turn may hold an old ring."""
    async with _keeper(settings) as (hub, actor, keeper):
        settle = partial(_settle, _held(settings).total_seconds() if settle_s is None else settle_s)
        done = await keys.rotate(hub, actor, keeper, settle, _Teller(hub).tell)
    if isinstance(done, Refused):
        raise CannotGoOn(done.reason)
    told = (
        f"Key {done.hub_key} is current. {done.tenants} tenants have fresh data keys, {done.records} records are sealed"
    )
    if done.damaged:
        return (
            f"{told} anew. {done.damaged} records could not be opened with any key and were left as they are:"
            " somebody changed or moved them past the hub."
        )
    return f"{told} anew, none is left under an older key. 'aiox key retire' deletes keys without use."


async def retire(settings: Settings, keep_days: int) -> str:
    """Deletes keys that nothing needs any more."""
    async with _keeper(settings) as (hub, actor, keeper):
        gone = await keys.retire(hub, actor, keeper, RetireKeys(keep_days=keep_days), _held(settings))
    if isinstance(gone, Refused):
        raise CannotGoOn(gone.reason)
    hub_keys = ", ".join(map(str, gone.hub_keys)) or "none"
    return f"Deleted: hub keys {hub_keys}; {gone.data_keys} data keys. Backups made before still need them."


def _held(settings: Settings) -> timedelta:
    """How long a turn may hold an old ring."""
    return timedelta(seconds=RING_TTL_S + settings.limits.turn_timeout_ms / 1000 + MARGIN_S)


class _Teller:
    """Prints progress, a line a second at most."""

    def __init__(self, hub: Hub) -> None:
        self._clock = hub.clock
        self._said = 0.0

    def tell(self, progress: Progress) -> None:
        """One step further."""
        now = self._clock.monotonic()
        if now - self._said >= SAY_EVERY_S:
            self._said = now
            print(f"  pass {progress.pass_}: {progress.tenants} tenants, {progress.records} records", flush=True)


async def _settle(seconds: float) -> None:
    print(f"  waiting {seconds:.0f} s for turns that began with the old keys", flush=True)
    await asyncio.sleep(seconds)


@asynccontextmanager
async def _keeper(settings: Settings) -> AsyncIterator[tuple[Hub, Actor, Keeper]]:
    home = Home(settings.home)
    files = RingFiles(home)
    pool = await postgres.connect(settings, home.secrets("gateway"), "gateway", size=1)
    try:
        keeper = await postgres.connect_keeper(settings, home.secrets("stack"))
        try:
            hub = Hub(pool, files.ring(), SystemClock(), settings.domain)
            yield hub, Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}")), Keeper(keeper, files)
        finally:
            await keeper.close()
    finally:
        await pool.close()


def _line(key: KeyShown) -> str:
    use = f"wraps {key.data_keys} data keys" if key.data_keys else "wraps nothing"
    return f"key {key.id:<4} {'current' if key.current else '       '}  {use}"
