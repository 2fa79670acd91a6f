"""A hub under load is copied, destroyed and made again: what was receipted before the copy's point is all there."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from aiox.cli.backup.restore import restore
from aiox.cli.backup.take import take
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Backup
from bench.load.journal import Message
from bench.load.plan import marks
from setup.prove import note
from tests.chaos.checker import Evidence, check, summary
from tests.chaos.readers import evidence, on_the_bus, superuser, unfinished
from tests.chaos.traffic import SETTLE_S, Traffic, traffic

QUIET_S = 8.0


async def concluded(running: Traffic, messages: list[Message]) -> bool:
    """Waits until these have their outcome, no reply waits, and the bus is empty; False when time is up."""
    keeper = running.keeper
    until = time.monotonic() + SETTLE_S
    while time.monotonic() < until:
        left = await unfinished(keeper.home, keeper.settings, messages)
        if left == (0, 0) and not await on_the_bus(keeper.home, keeper.settings):
            return True
        await asyncio.sleep(0.2)
    return False


async def quiet(running: Traffic) -> None:
    """Waits until no background work, such as a summary, has ended for some seconds: the stores are read one by one."""
    keeper, before, since = running.keeper, -1, time.monotonic()
    async with asyncio.timeout(SETTLE_S):
        while time.monotonic() - since < QUIET_S:
            async with superuser(keeper.home, keeper.settings) as hub:
                now = int(await hub.fetchval("SELECT count(*) FROM executions"))
            if now != before:
                before, since = now, time.monotonic()
            await asyncio.sleep(0.5)


def known(found: Evidence, messages: set[str]) -> Evidence:
    """Without answers to what came after the point: the XMPP server's archive is copied last and may have some."""
    kept = [row for row in found.archive if not marks(row.body) or messages & set(marks(row.body))]
    return replace(found, archive=kept)


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_backup_under_load_then_destroyed_then_restored(tmp_path: Path) -> None:
    # Without merging: messages that were merged with later ones keep the answer of then (docs/runbooks/restore.md).
    async with traffic(11, clients=8, conversations=80, debounce_ms=0) as running:
        keeper = running.keeper
        settings = keeper.settings.model_copy(update={"backup": Backup(passphrase="correct horse")})
        moments: dict[str, float] = {}

        async def moment(part: str) -> None:
            moments[part] = time.monotonic()

        talking = asyncio.create_task(running.volley(0, messages=2000, seconds=40))
        await asyncio.sleep(15)
        began = time.monotonic()
        taken = await take(settings, SystemClock(), tmp_path / "backup", moment)
        took = time.monotonic() - began
        await talking
        point = moments["bus"]
        before = [one for one in running.crowd.messages() if one.receipted is not None and one.receipted < point]

        await keeper.stop()
        shutil.rmtree(keeper.home.root)
        began = time.monotonic()
        restored = await restore(
            taken.file, keeper.home.root, lambda there: settings.model_copy(update={"home": there}), "correct horse"
        )
        back = time.monotonic() - began
        await keeper.start()
        assert await concluded(running, before), await unfinished(keeper.home, keeper.settings, before)
        began_again = time.monotonic()
        await running.volley(1, messages=200, seconds=5, word="again")
        assert await running.crowd.receipted(SETTLE_S)
        after = [one for one in running.crowd.messages() if one.sent and one.sent[0] > began_again]
        assert await concluded(running, after)
        owners = [person.owner for person in running.people]
        await quiet(running)
        found = await evidence(keeper.home, keeper.settings, [*before, *after], owners)
        violations = check(known(found, {one.id for one in (*before, *after)}))
    note(
        f"backup of {restored.head.ledger_seq} records and {restored.head.waiting} waiting messages under load:"
        f" taken in {took:.1f} s, restored and proven in {back:.1f} s;"
        f" {len(before)} messages before, {len(after)} after, {len(violations)} violations"
    )
    assert not violations, summary(violations)
    assert len(before) > 300
    assert len(after) == 200
