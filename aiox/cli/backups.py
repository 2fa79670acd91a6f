"""`aiox backup ...` and `aiox restore`: what they do and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiox.cli import operator_record
from aiox.cli.backup.restore import Restored, SettingsOf, restore, trial
from aiox.cli.backup.shelf import Shelf
from aiox.cli.backup.take import take
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Settings

_KEYS: Final = "It holds every key of the hub and is not sealed (backup.passphrase): keep it as you keep those."


async def create(settings: Settings, file: Path | None) -> str:
    """Takes one, into `file` or onto the shelf. Raises CannotGoOn."""
    clock = SystemClock()
    taken = await take(settings, clock, (file or Shelf.of(settings).name(clock.now())).absolute())
    head = taken.manifest.head
    await operator_record.note(settings, clock, "backup create", outcome="done", file=taken.file.name)
    size, files = _size(taken.file.stat().st_size), len(taken.manifest.members)
    lines = [
        f"{taken.file}, {size}: the hub as it was at {head.point:%Y-%m-%d %H:%M:%S} UTC,",
        f"{head.ledger_seq} records of the ledger, {head.waiting} messages that wait, {files} files.",
        "It is sealed with backup.passphrase: without that nobody opens it." if taken.sealed else _KEYS,
    ]
    if head.objects:
        lines.append(f"Files of documents lie in {head.objects} and are not in it: back that up as well.")
    return "\n".join(lines)


def listed(settings: Settings) -> str:
    """One line each."""
    shelf = Shelf.of(settings)
    lines = [
        f"{one.taken_at:%Y-%m-%d %H:%M:%S}  {_size(one.bytes):>10}  {one.checked or 'not tried':<9}  {one.path}"
        for one in shelf.all()
    ]
    return "\n".join(lines) or f"There is none in {shelf.folder}. Make one: aiox backup create"


async def verify(settings: Settings, file: Path) -> str:
    """Tries one out. Raises CannotGoOn with what is wrong."""
    return f"{file} can be restored.\n{_told(await trial(file, settings.backup.passphrase, settings))}"


async def come_back(settings: Settings, file: Path, settings_of: SettingsOf) -> str:
    """Restores one into the home of `settings`. Raises CannotGoOn."""
    done = await restore(file, settings.home, settings_of, settings.backup.passphrase)
    return f"{settings.home} is the hub of {file}.\n{_told(done)}\nGo on with: aiox up"


def _told(done: Restored) -> str:
    head = done.head
    first = (
        f"It is the hub {head.domain} as it was at {head.point:%Y-%m-%d %H:%M:%S} UTC: the ledger holds"
        f" ({head.ledger_seq} records at least), {done.files} files, {done.waiting} messages wait for their answer."
    )
    lines = [first]
    if done.missing:
        lines.append(f"{done.missing} files of documents are missing: they were deleted while it was taken.")
    if head.objects:
        lines.append(f"Files of documents are expected in {head.objects}.")
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
