"""Backups that a running hub takes by itself: when one is due, taking it, trying it, throwing old ones away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from aiox.cli import operator_record
from aiox.cli.backup.restore import trial
from aiox.cli.backup.shelf import Shelf
from aiox.cli.backup.take import take
from aiox.cli.stack.trouble import CannotGoOn
from aiox.kernel.canonical import Json
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.nats import BusNotDurable
from aiox.runtime.postgres import StoreTrouble
from aiox.runtime.secrets import SecretMissing
from aiox.runtime.settings import Settings

LOOK_S: Final = 60.0
FIRST_AFTER: Final = timedelta(hours=1)
"""A hub without any backup waits so long after its start: who only tries it is left alone."""
AGAIN_AFTER: Final = timedelta(minutes=30)
"""After one that failed."""
TROUBLE: Final = (CannotGoOn, SecretMissing, BusNotDurable, *StoreTrouble)

Sleep = Callable[[float], Awaitable[None]]


def due(now: datetime, started: datetime, newest: datetime | None, failed: datetime | None, every_h: float) -> bool:
    """Whether a backup is to be taken now. Pure. `every_h` 0: never."""
    if not every_h:
        return False
    if failed is not None and now - failed < AGAIN_AFTER:
        return False
    if newest is None:
        return now - started >= min(FIRST_AFTER, timedelta(hours=every_h))
    return now - newest >= timedelta(hours=every_h)


async def keep_backups(settings: Settings, clock: Clock, log: Log, sleep: Sleep = asyncio.sleep) -> None:
    """Looks every minute, until cancelled. What fails is said, stands on record, and is tried again."""
    shelf, started, failed = Shelf.of(settings), clock.now(), None
    while True:
        newest = shelf.newest()
        if due(clock.now(), started, newest.taken_at if newest else None, failed, settings.backup.every_h):
            failed = None if await once(settings, clock, log, shelf) else clock.now()
        await sleep(LOOK_S)


async def once(settings: Settings, clock: Clock, log: Log, shelf: Shelf) -> bool:
    """Takes one, tries it, prunes the shelf. Returns whether all went well; a failed trial keeps the file."""
    file = shelf.name(clock.now())
    began = clock.monotonic()
    try:
        taken = await take(settings, clock, file)
    except (*TROUBLE, OSError) as trouble:
        await _say(settings, clock, log, "failed", file, str(trouble) or type(trouble).__name__)
        return False
    wrong = await tried(settings, shelf, file) if settings.backup.tried else ""
    if wrong:
        await _say(settings, clock, log, "failed", file, wrong)
        return False
    gone = shelf.prune(settings.backup.keep)
    log.info("backup", file=file.name, sealed=taken.sealed, seconds=round(clock.monotonic() - began, 1), gone=len(gone))
    await _note(settings, clock, "done", file)
    return True


async def tried(settings: Settings, shelf: Shelf, file: Path) -> str:
    """Restores it as a trial and puts the end down. Returns what was wrong, or nothing."""
    try:
        await trial(file, settings.backup.passphrase, settings)
    except (*TROUBLE, OSError) as trouble:
        wrong = str(trouble) or type(trouble).__name__
        shelf.tried(file, wrong)
        return wrong
    shelf.tried(file, "")
    return ""


async def _say(settings: Settings, clock: Clock, log: Log, outcome: str, file: Path, error: str) -> None:
    log.error("backup_failed", file=file.name, error=error)
    await _note(settings, clock, outcome, file)


async def _note(settings: Settings, clock: Clock, outcome: str, file: Path) -> None:
    details: dict[str, Json] = {"outcome": outcome, "file": file.name}
    await operator_record.note(settings, clock, "backup create", **details)
