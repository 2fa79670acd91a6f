"""State events of an account: what changed with its agents, documents, turns and limits (revision 0010).

Most are written by triggers, in the commit of the change. They hold ids and codes, never a text; a week is kept.

Below the oldest open transaction everything is committed or gone for ever, and only that far they are read: so nothing
can turn up behind a position that was given out, however long its transaction took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiox.kernel.ids import OwnerId
from aiox.runtime.postgres import Connection, Pool, owner_scope


@dataclass(frozen=True, slots=True, order=True)
class EventPosition:
    """A place in the order of events: the transaction that wrote one, and its number."""

    xact: int
    seq: int


@dataclass(frozen=True, slots=True)
class StateEvent:
    """One change. `kind` names the thing (agent, document, turn, asked_turn, quota, approval), `detail` is a code."""

    position: EventPosition
    kind: str
    thing: UUID
    state: str
    detail: str
    created_at: datetime


async def append(connection: Connection, owner: OwnerId, kind: str, thing: UUID, state: str, detail: str = "") -> None:
    """Tells the owner of a change, in the transaction that makes it. `connection` is in the owner's scope."""
    await connection.execute(
        "INSERT INTO state_events (owner_user_id, kind, thing, state, detail) VALUES ($1, $2, $3, $4, $5)",
        owner,
        kind,
        thing,
        state,
        detail,
    )


async def end_of(pool: Pool) -> EventPosition:
    """Where the events that are not there yet will stand."""
    return EventPosition(await pool.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"), 0)


async def behind(pool: Pool, owner: OwnerId, position: EventPosition, limit: int) -> Sequence[StateEvent]:
    """The owner's events behind a position, in order. None is skipped, however long its transaction took."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT xact, seq, kind, thing, state, detail, created_at FROM state_events"
            " WHERE owner_user_id = $1 AND (xact, seq) > ($2, $3)"
            " AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint ORDER BY xact, seq LIMIT $4",
            owner,
            position.xact,
            position.seq,
            limit,
        )
    return [
        StateEvent(
            position=EventPosition(row["xact"], row["seq"]),
            kind=row["kind"],
            thing=row["thing"],
            state=row["state"],
            detail=row["detail"],
            created_at=row["created_at"],
        )
        for row in rows
    ]
