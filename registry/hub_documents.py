"""The documents of other hubs whose keys are pinned here (revision 0031). The XMPP door reads and follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from aiox.runtime.postgres import Connection, Pool
from policy.hub_documents import HubDocument


@dataclass(frozen=True, slots=True)
class Pinned:
    """A document that is believed. `pinned_at`: when the first one of this hub was."""

    document: HubDocument
    note: str
    pinned_at: datetime
    seen_at: datetime


async def find(pool: Pool, domain: str) -> Pinned | None:
    """The document of a hub; None when none is pinned. Raises BadNote when what is stored was damaged."""
    row = await pool.fetchrow("SELECT note, pinned_at, seen_at FROM hub_documents WHERE domain = $1", domain)
    return None if row is None else _pinned(row)


async def list_all(where: Connection | Pool) -> Sequence[Pinned]:
    """All documents, by domain."""
    rows = await where.fetch("SELECT note, pinned_at, seen_at FROM hub_documents ORDER BY domain")
    return [_pinned(row) for row in rows]


async def put(pool: Pool, document: HubDocument, note: str, now: datetime) -> bool:
    """Pins a document, or puts it in the place of an older one. False when a newer one stands there."""
    done = await pool.fetchval(
        "INSERT INTO hub_documents AS d (domain, number, note, pinned_at, seen_at) VALUES ($1, $2, $3, $4, $4)"
        " ON CONFLICT (domain) DO UPDATE SET number = EXCLUDED.number, note = EXCLUDED.note, seen_at = EXCLUDED.seen_at"
        " WHERE d.number <= EXCLUDED.number RETURNING true",
        *(document.domain, document.number, note, now),
    )
    return bool(done)


async def forget(connection: Connection, domain: str) -> bool:
    """Lets go of a hub's keys, so that its next document is taken as at introduction. False when none is pinned."""
    return bool(await connection.fetchval("DELETE FROM hub_documents WHERE domain = $1 RETURNING true", domain))


def _pinned(row: asyncpg.Record) -> Pinned:
    note = row["note"]
    return Pinned(HubDocument.parse(note.rpartition("\n\n")[0] + "\n"), note, row["pinned_at"], row["seen_at"])
