"""A hub's stores made again from an unpacked backup: databases, then the messages that waited."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from nats.errors import Error as NatsError

from aiox.cli.backup.manifest import Head
from aiox.cli.backup.take import BUS, DUMPS, waiting_of
from aiox.cli.stack import bus, postgres, schema
from aiox.cli.stack import nats as nats_part
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime import nats
from aiox.runtime.logs import Log
from aiox.runtime.objects.port import place
from aiox.runtime.postgres import connect
from aiox.runtime.settings import Settings
from policy.ledger import Fault
from registry.ledger import verify_chain
from registry.migrate import newest_revision

_STORE_S: Final = 5.0
_OBJECTS: Final = "SELECT id FROM aiox.documents WHERE file_key IS NOT NULL"


async def databases(home: Home, settings: Settings, unpacked: Path) -> None:
    """Fills the databases of a PostgreSQL that runs and has none of its own yet. Raises CannotGoOn."""
    for database, name in DUMPS.items():
        how = ("--exit-on-error", "--single-transaction", str(unpacked / name))
        await postgres.tool(home, settings.ports.postgres, "pg_restore", f"--dbname={database}", *how)


async def proof(home: Home, settings: Settings, head: Head) -> list[str]:
    """What is wrong with restored databases; nothing when they are whole.

    The ledger is verified from its first record and holds the last one that the backup knew. A backup of this code's
    revision has the schema that the revisions make; an older one gets it at the next start.
    """
    wrong: list[str] = []
    pool = await connect(settings, home.secrets("gateway"), "gateway", size=1)
    try:
        found = await verify_chain(pool)
    finally:
        await pool.close()
    if isinstance(found, Fault):
        wrong.append(f"the ledger is broken at record {found.seq}: {found.what}")
    last = f"SELECT encode(hash, 'hex') FROM aiox.audit_logs WHERE seq = {head.ledger_seq}"  # noqa: S608 -- a number
    if head.ledger_seq and await _asked(home, settings, last) != head.ledger_hash:
        wrong.append(f"record {head.ledger_seq} of the ledger is missing, or another one")
    if head.revision == newest_revision():
        wrong += await schema.found_differences(home, settings.ports.postgres)
    return wrong


async def missing_objects(home: Home, settings: Settings) -> int:
    """Files that rows name and the folder of objects has not. Files in an object store of their own are not counted."""
    if settings.objects.endpoint:
        return 0
    named = (await _asked(home, settings, _OBJECTS)).split()
    return sum(1 for one in named if not (home.root / "objects" / place(UUID(one))).is_file())


async def put_back(home: Home, settings: Settings, unpacked: Path) -> int:
    """Starts NATS alone, puts the messages that waited on it under their ids, and stops it. Raises CannotGoOn."""
    messages = waiting_of(unpacked / BUS)
    process = await nats_part.start(home, settings)
    try:
        await _publish(home, settings, messages)
    finally:
        await process.stop()
    return len(messages)


async def _publish(home: Home, settings: Settings, messages: list[bus.Waiting]) -> None:
    # Its closing is no news to who restores.
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )
    try:
        client = await nats.connect(settings, home.secrets("component"), "component", log)
        try:
            stream = client.jetstream(timeout=_STORE_S)
            await nats.ensure_inbound(stream, settings)
            for message in messages:
                await stream.publish(message.subject, message.data, headers=_headers(message.headers))
        finally:
            await client.close()
    except (NatsError, OSError, TimeoutError) as failed:
        raise CannotGoOn(f"NATS did not take what waited: {type(failed).__name__}. Mend: see nats.log") from failed


def _headers(text: bytes) -> dict[str, str]:
    """`NATS/1.0`, then a line `name: value` each."""
    lines = text.decode().split("\r\n")[1:]
    return {name.strip(): value.strip() for name, found, value in (line.partition(":") for line in lines) if found}


async def _asked(home: Home, settings: Settings, question: str) -> str:
    return await postgres.sql(home, settings.ports.postgres, postgres.DATABASE, question)
