"""Taking a backup of a hub that runs and goes on running.

The order makes it consistent. First the messages that wait on the bus: this is the backup's point. Then the hub's
database: a message that was answered between the two stands in both, and is recognised by its id when it comes again.
Then the XMPP server's: an answer that was sent between the two stands in its archive, and is not sent again. Files are
linked before and once more after, so that every row has its file. What was receipted before the point is in it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from aiox.cli.backup import archive, contents
from aiox.cli.backup.manifest import Head, Manifest
from aiox.cli.stack import bus, postgres
from aiox.cli.stack.home import Home, check_space, private_folder
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import Clock
from aiox.runtime.settings import Settings
from registry.migrate import newest_revision

BUS: Final = "store/bus.jsonl"
DUMPS: Final = {postgres.DATABASE: "store/aiox.dump", postgres.XMPP_DATABASE: "store/ejabberd.dump"}
"""In this order: the XMPP server's archive must not be older than what the hub thinks that it has sent."""
_HEAD: Final = "SELECT seq || ' ' || encode(hash, 'hex') FROM aiox.audit_logs ORDER BY seq DESC LIMIT 1"
FILES: Final = "home"
_RING: Final = "keyring"
Pause = Callable[[str], Awaitable[None]]
"""Called between the parts, with the name of the one that comes next: for tests."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that is on disk under its name."""

    file: Path
    manifest: Manifest
    sealed: bool


async def _go_on(_part: str) -> None:
    """Nobody waits."""


async def take(settings: Settings, clock: Clock, file: Path, pause: Pause = _go_on) -> Taken:
    """Writes a backup of the running hub into `file`, whole or not at all.

    Sealed where backup.passphrase is set, else plain and 0600. Raises CannotGoOn, also when keys change meanwhile.
    """
    home = Home(settings.home)
    async with _workshop(file) as workshop:
        head = await _collect(home, settings, clock.now(), workshop, pause)
        return await _pack(workshop, head, file, settings.backup.passphrase)


async def _collect(home: Home, settings: Settings, point: datetime, workshop: Path, pause: Pause) -> Head:
    """Everything, in the order that makes it consistent, into the workshop."""
    ring = home.secrets("stack").read(_RING)
    await pause("bus")
    waiting = await _bus(home, settings, _place(workshop, BUS))
    await asyncio.to_thread(contents.freeze, home.root, private_folder(workshop / FILES))
    seq, hashed = await _ledger_head(home, settings)
    for database, name in DUMPS.items():
        await pause(database)
        await _dump(home, settings, database, _place(workshop, name))
    await pause("files")
    await asyncio.to_thread(contents.freeze, home.root, workshop / FILES)
    if home.secrets("stack").read(_RING) != ring:
        raise CannotGoOn("the hub's keys were exchanged meanwhile. Mend: again, when 'aiox key' has ended")
    return Head(
        point=point,
        domain=settings.domain,
        revision=newest_revision(),
        ledger_seq=seq,
        ledger_hash=hashed,
        waiting=waiting,
        objects=settings.objects.endpoint,
    )


async def _pack(workshop: Path, head: Head, file: Path, passphrase: str) -> Taken:
    """One file of it all, under its name once it is whole."""
    stores = {name: workshop / name for name in (BUS, *DUMPS.values())}
    whole = plain = workshop / "plain"
    members = {**stores, **contents.frozen(workshop / FILES)}
    manifest = await asyncio.to_thread(archive.write, plain, members, head)
    if passphrase:
        whole = workshop / "sealed"
        await archive.seal(plain, whole, passphrase)
    await asyncio.to_thread(whole.rename, file)
    return Taken(file, manifest, sealed=bool(passphrase))


def waiting_of(file: Path) -> list[bus.Waiting]:
    """The messages of a backup's bus, oldest first."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        bus.Waiting(row["subject"], base64.b64decode(row["headers"]), base64.b64decode(row["data"])) for row in rows
    ]


async def _bus(home: Home, settings: Settings, file: Path) -> int:
    count = 0
    with archive.create(file) as out:
        async for message in bus.waiting(home, settings):
            row = {
                "subject": message.subject,
                "headers": base64.b64encode(message.headers).decode(),
                "data": base64.b64encode(message.data).decode(),
            }
            out.write(json.dumps(row).encode() + b"\n")
            count += 1
    return count


async def _ledger_head(home: Home, settings: Settings) -> tuple[int, str]:
    host, port = settings.postgres_first
    said = await postgres.sql(home, port, postgres.DATABASE, _HEAD, host)
    seq, _, hashed = said.partition(" ")
    return (int(seq), hashed) if seq else (0, "")


async def _dump(home: Home, settings: Settings, database: str, file: Path) -> None:
    archive.create(file).close()
    how = ("--format=custom", "--compress=1", f"--file={file}")
    host, port = settings.postgres_first
    await postgres.tool(home, port, "pg_dump", f"--dbname={database}", *how, host=host)


def _place(workshop: Path, name: str) -> Path:
    path = workshop / name
    private_folder(path.parent)
    return path


def _opened(file: Path) -> Path:
    if file.exists():
        raise CannotGoOn(f"{file} is there already. Mend: choose another name, or delete it")
    private_folder(file.parent)
    check_space(file.parent)
    folder = file.with_name(f".{file.name}.unfinished")
    shutil.rmtree(folder, ignore_errors=True)
    return private_folder(folder)


@asynccontextmanager
async def _workshop(file: Path) -> AsyncIterator[Path]:
    """A folder beside the file to come, deleted in the end."""
    folder = await asyncio.to_thread(_opened, file)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)
