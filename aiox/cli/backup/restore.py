"""A hub made of a backup: into a home that is not there yet, or into a throw-away folder as a trial."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiox.cli.backup import archive, rebuild
from aiox.cli.backup.manifest import Head, Manifest
from aiox.cli.stack import ports, postgres
from aiox.cli.stack.home import Home, check_space, private_folder
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Settings

SettingsOf = Callable[[Path], Settings]
"""The settings of the hub in a home, after its hub.toml has come back."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. `missing`: files that were deleted while the backup was taken."""

    head: Head
    files: int
    waiting: int
    missing: int


async def restore(file: Path, home: Path, settings_of: SettingsOf, passphrase: str) -> Restored:
    """Makes the hub of a backup at `home`, whole or not at all; starts no services. 'aiox up' goes on from there.

    Raises CannotGoOn: the home is there already, the file is damaged or does not open, a port is taken, or what came
    back does not hold.
    """
    _refuse_to_write_over(home)
    beside = home.with_name(f"{home.name}.restoring")
    await asyncio.to_thread(shutil.rmtree, beside, ignore_errors=True)
    manifest = await _unpacked(file, beside, passphrase)
    settings = settings_of(beside)
    ports.check(settings.ports)
    unpacked = beside / "store"
    missing = await _stores(Home(beside), settings, unpacked, manifest.head)
    waiting = await rebuild.put_back(Home(beside), settings, beside)
    await asyncio.to_thread(shutil.rmtree, unpacked)
    await asyncio.to_thread(_move_in, beside, home)
    return Restored(manifest.head, len(manifest.members), waiting, missing)


async def trial(file: Path, passphrase: str, settings: Settings) -> Restored:
    """Restores databases and files into a throw-away folder, proves them there, and deletes it. The hub may run.

    Needs as much room as the hub's data, in the folder for temporary files. Raises CannotGoOn with what is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="aiox-trial-") as folder:
        home = Home(private_folder(Path(folder) / "home"))
        manifest = await _unpacked(file, home.root, passphrase)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        there = {"home": home.root, "ports": settings.ports.model_copy(update={"postgres": port})}
        missing = await _stores(home, settings.model_copy(update=there), home.root / "store", manifest.head)
        return Restored(manifest.head, len(manifest.members), manifest.head.waiting, missing)


async def _stores(home: Home, settings: Settings, unpacked: Path, head: Head) -> int:
    """The databases, filled and proven; how many files are missing. Raises CannotGoOn."""
    async with _postgres(home, settings.ports.postgres):
        await rebuild.databases(home, settings, unpacked.parent)
        wrong = await rebuild.proof(home, settings, head)
        if wrong:
            raise CannotGoOn(f"what came back does not hold: {'; '.join(wrong[:5])}. Mend: restore an older backup.")
        return await rebuild.missing_objects(home, settings)


async def _unpacked(file: Path, into: Path, passphrase: str) -> Manifest:
    private_folder(into)
    check_space(into)
    if not archive.is_sealed(file):
        return await asyncio.to_thread(archive.unpack, file, into)
    if not passphrase:
        raise CannotGoOn(f"{file} is sealed. Mend: AIOX_BACKUP__PASSPHRASE=...")
    plain = into.with_name(f"{into.name}.opened")
    plain.unlink(missing_ok=True)
    try:
        await archive.unseal(file, plain, passphrase)
        return await asyncio.to_thread(archive.unpack, plain, into)
    finally:
        plain.unlink(missing_ok=True)


def _move_in(beside: Path, home: Path) -> None:
    if home.exists():
        home.rmdir()
    beside.rename(home)


def _refuse_to_write_over(home: Path) -> None:
    if home.exists() and any(home.iterdir()):
        raise CannotGoOn(
            f"{home} is not empty, and a restore writes over nothing."
            " Mend: 'aiox down', then move the old home away; delete it once the restored hub runs."
        )


@asynccontextmanager
async def _postgres(home: Home, port: int) -> AsyncIterator[None]:
    private_folder(home.logs)
    process = await postgres.start(home, port)
    try:
        yield
    finally:
        await process.stop()
