"""Turns that left their lane after too many failed attempts, kept for their owner to retry or drop (SPEC 4).

The message lies here encrypted with the owner's key. Owner-scoped; the operator's list holds ids only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Pool, owner_scope

RETRIED = "retried"
DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them. `closed_as` is empty while nobody has decided."""

    turn: TurnId
    owner: OwnerId
    agent: AgentId
    sender: BareJid
    reason: str
    attempts: int
    correlation_id: UUID
    created_at: datetime
    closed_as: str


def place(owner: OwnerId, turn: TurnId) -> Place:
    """What binds a sealed message to its dead letter."""
    return Place(owner, "dead_letters", "envelope", turn)


async def bury(pool: Pool, letter: DeadLetter, sealed: bytes | None) -> None:
    """Stores a dead letter; again is a no-op. `sealed` is None for an address that belongs to nobody."""
    await pool.execute(
        "SELECT bury($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        letter.turn,
        letter.owner,
        letter.agent,
        letter.sender,
        letter.reason,
        letter.attempts,
        sealed,
        letter.correlation_id,
        letter.created_at,
    )


async def list_of_owner(pool: Pool, owner: OwnerId, limit: int = 100) -> Sequence[DeadLetter]:
    """An owner's dead letters that nobody has decided on, newest first."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT * FROM dead_letters WHERE owner_user_id = $1 AND closed_at IS NULL"
            " ORDER BY created_at DESC, turn_id LIMIT $2",
            owner,
            limit,
        )
    return [_letter(row) for row in rows]


async def load(pool: Pool, owner: OwnerId, turn: TurnId) -> tuple[DeadLetter, bytes | None] | None:
    """One of the owner's dead letters with its sealed message; None for unknown and foreign ones alike."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT * FROM dead_letters WHERE owner_user_id = $1 AND turn_id = $2", owner, turn
        )
    return None if row is None else (_letter(row), row["envelope"])


async def close(pool: Pool, owner: OwnerId, turn: TurnId, how: str, now: datetime) -> bool:
    """Marks it decided and lets its text go. False when it was decided already or is not the owner's."""
    async with owner_scope(pool, owner) as connection:
        closed = await connection.fetchval(
            "UPDATE dead_letters SET closed_at = $3, closed_as = $4, envelope = NULL"
            " WHERE owner_user_id = $1 AND turn_id = $2 AND closed_at IS NULL RETURNING true",
            owner,
            turn,
            now,
            how,
        )
    return bool(closed)


async def find_all(pool: Pool, limit: int) -> Sequence[tuple[TurnId, OwnerId]]:
    """Across owners, for the operator at the shell: ids only, newest first."""
    rows = await pool.fetch("SELECT turn_id, owner_user_id FROM find_dead_letters($1)", limit)
    return [(TurnId(row["turn_id"]), OwnerId(row["owner_user_id"])) for row in rows]


def seal(ring: KeyRing, owner: OwnerId, turn: TurnId, envelope: bytes) -> bytes:
    """The message, encrypted for its place."""
    return ring.seal(envelope, place(owner, turn))


def _letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        turn=TurnId(row["turn_id"]),
        owner=OwnerId(row["owner_user_id"]),
        agent=AgentId(row["agent_id"]),
        sender=BareJid(row["sender_jid"]),
        reason=row["reason"],
        attempts=row["attempts"],
        correlation_id=row["correlation_id"],
        created_at=row["created_at"],
        closed_as=row["closed_as"] or "",
    )
