"""Sessions: who is signed in where, and the refresh tokens that keep them so. Owner-scoped.

A session is a family of refresh tokens, of which the newest is good. Each lies here as a SHA-256 digest only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from aiox.kernel.account import HubRole
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import Place
from aiox.runtime.postgres import Connection, Pool, owner_scope

KEPT: Final = timedelta(days=30)
"""How long an address counts as known after the account was last used from it."""
MOST: Final = 50
"""Sessions that one account may have at a time; beyond them the longest unused ones end."""


class Ending(StrEnum):
    """Why a session was ended before its time."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    REUSED = "reused"
    PASSWORD = "password"  # noqa: S105 -- a reason, not a secret
    DEACTIVATED = "deactivated"
    TOO_MANY = "too_many"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be opened. `client` and `address` say where from, for the person to recognise it."""

    id: UUID
    owner: OwnerId
    client: str
    address: str
    digest: bytes
    now: datetime
    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as its owner sees it."""

    id: UUID
    client: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Speaker:
    """Whom a live session speaks for, read anew for every request."""

    jid: BareJid
    hub_role: HubRole | None


@dataclass(frozen=True, slots=True)
class Rotated:
    """The old refresh token gave way to the new one."""

    session: UUID
    jid: BareJid


@dataclass(frozen=True, slots=True)
class Reused:
    """A refresh token came a second time: somebody has a copy, so its session was ended."""

    session: UUID


def token_place(owner: OwnerId, session: UUID) -> Place:
    """What binds a sealed XMPP token to its session."""
    return Place(owner, "sessions", "xmpp_token", session)


async def open_session(pool: Pool, new: NewSession) -> None:
    """Stores a session with its first refresh token. The longest unused ones beyond MOST end."""
    async with owner_scope(pool, new.owner) as connection:
        await connection.execute(
            "INSERT INTO sessions (id, owner_user_id, client, address, created_at, last_used_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $5, $6)",
            new.id,
            new.owner,
            new.client,
            new.address,
            new.now,
            new.now + new.longest,
        )
        await _add_token(connection, new.owner, new.id, new.digest, new.now, new.idle)
        await connection.execute(
            "UPDATE sessions SET revoked_at = $2, revoked_for = $3 WHERE id IN ("
            "SELECT id FROM sessions WHERE owner_user_id = $1 AND revoked_at IS NULL"
            " ORDER BY last_used_at DESC, id OFFSET $4)",
            new.owner,
            new.now,
            Ending.TOO_MANY,
            MOST,
        )


async def rotate(
    pool: Pool, owner: OwnerId, old: bytes, new: bytes, now: datetime, idle: timedelta
) -> Rotated | Reused | None:
    """Exchanges a refresh token, given as digest, for a new one; None for one that is unknown, too old or ended.

    The row is locked: of two that come with the same token at once, one is the reuse of the other.
    """
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT t.session_id, t.used_at, t.expires_at < $3 OR s.expires_at < $3 AS old, s.revoked_at, u.jid"
            " FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.owner_user_id"
            " WHERE t.owner_user_id = $1 AND t.hash = $2 AND u.deactivated_at IS NULL FOR UPDATE OF t, s",
            owner,
            old,
            now,
        )
        if row is None or row["revoked_at"] is not None:
            return None
        if row["used_at"] is not None:
            await _end(connection, owner, [row["session_id"]], Ending.REUSED, now)
            return Reused(row["session_id"])
        if row["old"]:
            return None
        await connection.execute(
            "UPDATE refresh_tokens SET used_at = $3 WHERE owner_user_id = $1 AND hash = $2", owner, old, now
        )
        await connection.execute(
            "UPDATE sessions SET last_used_at = $3 WHERE owner_user_id = $1 AND id = $2", owner, row["session_id"], now
        )
        await _add_token(connection, owner, row["session_id"], new, now, idle)
        return Rotated(row["session_id"], BareJid(row["jid"]))


async def find_speaker(pool: Pool, owner: OwnerId, session: UUID, now: datetime) -> Speaker | None:
    """Who speaks through a session; None when it ended or the account is deactivated. Asked for every request."""
    row = await pool.fetchrow("SELECT jid, hub_role FROM speaker_of($1, $2, $3)", owner, session, now)
    if row is None:
        return None
    return Speaker(BareJid(row["jid"]), HubRole(row["hub_role"]) if row["hub_role"] else None)


async def list_live(pool: Pool, owner: OwnerId, now: datetime, idle: timedelta) -> Sequence[SessionRow]:
    """An account's sessions that are good, the last used first."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, client, address, created_at, last_used_at, expires_at FROM sessions"
            " WHERE owner_user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND last_used_at > $3"
            " ORDER BY last_used_at DESC, id",
            owner,
            now,
            now - idle,
        )
    return [SessionRow(**dict(row)) for row in rows]


async def end(
    pool: Pool,
    owner: OwnerId,
    why: Ending,
    now: datetime,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> Sequence[UUID]:
    """Ends one session (`only`), or all `but` one, or all; their ids. Those that had ended are not among them."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id FROM sessions WHERE owner_user_id = $1 AND revoked_at IS NULL"
            " AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id <> $3) FOR UPDATE",
            owner,
            only,
            but,
        )
        ended = [row["id"] for row in rows]
        await _end(connection, owner, ended, why, now)
    return ended


async def put_xmpp_token(pool: Pool, owner: OwnerId, session: UUID, sealed: bytes) -> bytes | None:
    """Remembers the sealed XMPP token that a session was given; the one before it."""
    async with owner_scope(pool, owner) as connection:
        before: bytes | None = await connection.fetchval(
            "SELECT xmpp_token FROM sessions WHERE owner_user_id = $1 AND id = $2 FOR UPDATE", owner, session
        )
        await connection.execute(
            "UPDATE sessions SET xmpp_token = $3 WHERE owner_user_id = $1 AND id = $2", owner, session, sealed
        )
    return before


async def take_xmpp_tokens(pool: Pool, owner: OwnerId) -> Sequence[tuple[UUID, bytes]]:
    """The sealed XMPP tokens of the account's ended sessions, which are still to be made worthless."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, xmpp_token FROM sessions"
            " WHERE owner_user_id = $1 AND revoked_at IS NOT NULL AND xmpp_token IS NOT NULL",
            owner,
        )
    return [(row["id"], row["xmpp_token"]) for row in rows]


async def forget_xmpp_token(pool: Pool, owner: OwnerId, session: UUID) -> None:
    """Once it is worthless."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute(
            "UPDATE sessions SET xmpp_token = NULL WHERE owner_user_id = $1 AND id = $2", owner, session
        )


async def knows_address(pool: Pool, owner: OwnerId, address: str, now: datetime) -> bool:
    """Whether the account was signed in from this address within the last 30 days."""
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval(
            "SELECT true FROM sessions WHERE owner_user_id = $1 AND address = $2 AND last_used_at > $3 LIMIT 1",
            owner,
            address,
            now - KEPT,
        )
    return bool(found)


async def _add_token(
    connection: Connection, owner: OwnerId, session: UUID, digest: bytes, now: datetime, idle: timedelta
) -> None:
    await connection.execute(
        "INSERT INTO refresh_tokens (hash, owner_user_id, session_id, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        digest,
        owner,
        session,
        now,
        now + idle,
    )


async def _end(connection: Connection, owner: OwnerId, sessions: Sequence[UUID], why: Ending, now: datetime) -> None:
    await connection.execute(
        "UPDATE sessions SET revoked_at = $3, revoked_for = $4"
        " WHERE owner_user_id = $1 AND id = ANY ($2) AND revoked_at IS NULL",
        owner,
        list(sessions),
        now,
        why,
    )
