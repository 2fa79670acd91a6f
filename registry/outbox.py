"""The outbox from the sender's side: what still has to go out, and what a ping confirmed (DESIGN 2)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.runtime.postgres import Pool
from aiox.wire.codec import NotAnEvent, decode


async def pending(pool: Pool, older_than_s: float, limit: int) -> list[Envelope[OutboxReady]]:
    """Rows not confirmed yet and older than so many seconds, oldest first. Raises NotAnEvent for a damaged row."""
    found = await pool.fetch("SELECT envelope FROM outbox_pending($1, $2)", older_than_s, limit)
    return [_ready(bytes(row["envelope"])) for row in found]


async def mark_sent(pool: Pool, ids: Sequence[UUID]) -> None:
    """The stanzas are with the server. Their text leaves the database."""
    await pool.execute("SELECT outbox_sent($1)", list(ids))


def _ready(data: bytes) -> Envelope[OutboxReady]:
    event = decode(data)
    if not isinstance(event.payload, OutboxReady):
        raise NotAnEvent(f"an outbox row holds {event.type}")
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
