"""The outbox from the sender's side: what still has to go out, and what was confirmed (DESIGN 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.runtime.postgres import Connection, Pool
from aiox.wire.codec import NotAnEvent, decode
from registry.turns import OutboxRow

DUE_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not confirmed. Rows of one conversation go out in the order of `seq`."""

    id: UUID
    seq: int
    conversation: UUID
    age_s: float
    """Seconds since it was stored, by the database's clock."""
    envelope: Envelope[OutboxReady] | None
    """None when the row is damaged: it holds no event of this version."""


async def pending(pool: Pool, after: int, older_than_s: float, limit: int) -> list[Row]:
    """Rows not confirmed yet, behind number `after` and older than so many seconds, in order."""
    found = await pool.fetch("SELECT * FROM outbox_pending($1, $2, $3)", after, older_than_s, limit)
    return [_row(one) for one in found]


async def due(pool: Pool, ids: Sequence[UUID]) -> list[Row]:
    """Those of these rows that are not confirmed yet, with what has to go out before them, in order."""
    found = await pool.fetch("SELECT * FROM outbox_due($1, $2)", list(ids), DUE_LIMIT)
    return [_row(one) for one in found]


async def mark_sent(pool: Pool, ids: Sequence[UUID]) -> None:
    """The stanzas are with the server. Their text leaves the database."""
    await pool.execute("SELECT outbox_sent($1)", list(ids))


async def put(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Stores stanzas that belong to no turn. What stands there already stays as it is."""
    if rows:
        given = [(row.id, row.turn, row.owner, row.envelope, row.created_at) for row in rows]
        await connection.execute("SELECT outbox_put($1)", given)


def _row(found: asyncpg.Record) -> Row:
    return Row(found["id"], found["seq"], found["conversation"], found["age_s"], _ready(found["envelope"]))


def _ready(data: bytes | None) -> Envelope[OutboxReady] | None:
    try:
        event = decode(bytes(data or b""))
    except NotAnEvent:
        return None
    if not isinstance(event.payload, OutboxReady):
        return None
    return Envelope(
        event.id,
        event.type,
        event.version,
        event.tenant,
        event.channel,
        event.correlation_id,
        event.causation_id,
        event.occurred_at,
        event.producer,
        event.traceparent,
        event.payload,
    )
