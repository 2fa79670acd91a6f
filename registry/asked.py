"""Turns that were asked over HTTP: who asked, and what came of it (revision 0010). The row belongs to who asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Answered
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection, Pool, owner_scope

ANSWERED: Final = "answered"


@dataclass(frozen=True, slots=True)
class NewAsked:
    """A turn that is about to be admitted."""

    turn: TurnId
    owner: OwnerId
    agent: AgentId
    sender: BareJid
    correlation_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AskedTurn:
    """A turn as it stands. `outcome` is empty while it is open, then `answered` or an error code with its `reason`."""

    turn: TurnId
    agent: AgentId
    correlation_id: UUID
    outcome: str
    reason: str
    sealed: bytes | None
    tokens_used: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that an answer rests on. `distance` is cosine distance, 0 to 2."""

    title: str
    section: str
    distance: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, from which passages, by which model."""

    text: str
    model: str
    tools_called: tuple[str, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class AskedEnd:
    """How a turn ended, to be written in the commit that concludes it. `sealed` is None where nothing was answered."""

    correlation_id: UUID
    sender: BareJid
    outcome: str
    reason: str
    sealed: bytes | None
    tokens_used: int
    ended_at: datetime


def place(owner: OwnerId, correlation_id: UUID) -> Place:
    """What binds a sealed answer to the turn that was asked; `owner` is who asked."""
    return Place(owner, "asked_turns", "answer", correlation_id)


def seal_answer(ring: KeyRing, owner: OwnerId, correlation_id: UUID, outcome: Answered) -> bytes:
    """The answer, encrypted with the key of who asked."""
    said = {
        "text": outcome.text,
        "model": outcome.model,
        "tools_called": list(outcome.tools_called),
        "sources": [[found.title, found.section, found.distance] for found in outcome.citations],
    }
    return ring.seal(json.dumps(said, ensure_ascii=False).encode(), place(owner, correlation_id))


def open_answer(ring: KeyRing, owner: OwnerId, correlation_id: UUID, sealed: bytes) -> Answer:
    """The answer in clear. Raises CannotOpen."""
    said = json.loads(ring.open(sealed, place(owner, correlation_id)))
    return Answer(
        text=said["text"],
        model=said["model"],
        tools_called=tuple(said["tools_called"]),
        sources=tuple(Source(*source) for source in said["sources"]),
    )


async def begin(pool: Pool, new: NewAsked) -> AskedTurn | None:
    """Stores a turn. None when it is new, else the turn of this id as it stands: it was asked before."""
    async with owner_scope(pool, new.owner) as connection:
        added = await connection.fetchval(
            "INSERT INTO asked_turns (turn_id, owner_user_id, agent_id, sender_jid, correlation_id, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (turn_id) DO NOTHING RETURNING true",
            new.turn,
            new.owner,
            new.agent,
            new.sender,
            new.correlation_id,
            new.created_at,
        )
        return None if added else await _load(connection, new.owner, new.turn)


async def take_back(pool: Pool, owner: OwnerId, turn: TurnId) -> None:
    """Forgets an open turn that could not be admitted. One that has ended stays."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute(
            "DELETE FROM asked_turns WHERE owner_user_id = $1 AND turn_id = $2 AND ended_at IS NULL", owner, turn
        )


async def load(pool: Pool, owner: OwnerId, turn: TurnId) -> AskedTurn | None:
    """A turn that this account asked; None for unknown and foreign ones alike."""
    async with owner_scope(pool, owner) as connection:
        return await _load(connection, owner, turn)


async def ask_to_cancel(pool: Pool, owner: OwnerId, turn: TurnId, now: datetime) -> None:
    """Marks an open turn as not wanted any more; the first mark stands. Nothing for one that has ended."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute(
            "UPDATE asked_turns SET cancel_asked_at = $3"
            " WHERE owner_user_id = $1 AND turn_id = $2 AND ended_at IS NULL AND cancel_asked_at IS NULL",
            owner,
            turn,
            now,
        )


async def is_cancelled(pool: Pool, owner: OwnerId, turn: TurnId) -> bool:
    """Whether who asked a turn wants it stopped."""
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval(
            "SELECT cancel_asked_at IS NOT NULL FROM asked_turns WHERE owner_user_id = $1 AND turn_id = $2", owner, turn
        )
    return bool(found)


async def end(connection: Connection, ends: Sequence[AskedEnd]) -> None:
    """Writes how turns ended, across owners, as the orchestrator's role. An error never takes an answer's place."""
    rows = [
        (one.correlation_id, one.sender, one.outcome, one.reason, one.sealed, one.tokens_used, one.ended_at)
        for one in ends
    ]
    await connection.execute("SELECT asked_ended($1)", rows)


async def _load(connection: Connection, owner: OwnerId, turn: TurnId) -> AskedTurn | None:
    row = await connection.fetchrow("SELECT * FROM asked_turns WHERE owner_user_id = $1 AND turn_id = $2", owner, turn)
    return None if row is None else _asked(row)


def _asked(row: asyncpg.Record) -> AskedTurn:
    return AskedTurn(
        turn=TurnId(row["turn_id"]),
        agent=AgentId(row["agent_id"]),
        correlation_id=row["correlation_id"],
        outcome=row["outcome"],
        reason=row["reason"],
        sealed=None if row["answer"] is None else bytes(row["answer"]),
        tokens_used=row["tokens_used"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )
