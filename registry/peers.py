"""Other servers that this hub knows, and those that have asked to be introduced (revision 0030).

The tables belong to the hub itself: they have no owner. Commands change them; the XMPP door reads them every few
seconds and notes who knocked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from aiox.runtime.postgres import Connection, Pool
from policy.peers import Peer, Proof, Standing

MOST: Final = 1000
"""Entries at most: every component keeps them all in mind."""
MOST_INTRODUCTIONS: Final = 200
"""That wait at most; one more is refused and not noted."""
WAITS: Final = timedelta(days=30)
"""How long a request to be introduced waits for an admin."""


@dataclass(frozen=True, slots=True)
class PeerRow:
    """An entry, and what an admin has noted. `certificate`: PEM, what the peer's server must show; empty: none."""

    peer: Peer
    certificate: str
    note: str
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Introduction:
    """A domain that knocked. Who of it did is not kept."""

    domain: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a door has to know of other servers: entries by name, and whose request waits."""

    peers: dict[str, Peer] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()


async def list_all(connection: Connection | Pool) -> Sequence[PeerRow]:
    """All entries, by name."""
    return [_row(row) for row in await connection.fetch("SELECT * FROM peers ORDER BY name")]


async def find(connection: Connection, name: str) -> PeerRow | None:
    """One entry; None when there is none of this very name."""
    row = await connection.fetchrow("SELECT * FROM peers WHERE name = $1", name)
    return None if row is None else _row(row)


async def put(connection: Connection, peer: Peer, certificate: str, note: str, now: datetime) -> bool:
    """Writes an entry whole; who is no longer introduced need not wait. False when there is no room for a new one."""
    done = await connection.fetchval(
        "INSERT INTO peers AS p (name, standing, may_see, may_invoke, may_spend, dialback, certificate, note,"
        " created_at, changed_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9"
        " WHERE (SELECT count(*) FROM peers WHERE name <> $1) < $10"
        " ON CONFLICT (name) DO UPDATE SET standing = EXCLUDED.standing, may_see = EXCLUDED.may_see,"
        " may_invoke = EXCLUDED.may_invoke, may_spend = EXCLUDED.may_spend, dialback = EXCLUDED.dialback,"
        " certificate = EXCLUDED.certificate, note = EXCLUDED.note, changed_at = EXCLUDED.changed_at RETURNING true",
        peer.name,
        peer.standing,
        peer.see,
        peer.invoke,
        peer.spend,
        peer.proof is Proof.DIALBACK,
        certificate,
        note,
        now,
        MOST,
    )
    if done:
        await connection.execute("DELETE FROM peer_introductions WHERE domain = $1", peer.name)
    return bool(done)


async def freeze(connection: Connection, name: str, now: datetime) -> bool:
    """Stops an entry that is allowed until an admin has looked. False when there was nothing to stop."""
    done = await connection.fetchval(
        "UPDATE peers SET standing = 'frozen', changed_at = $2 WHERE name = $1 AND standing = 'allowed' RETURNING true",
        name,
        now,
    )
    return bool(done)


async def remove(connection: Connection, name: str) -> bool:
    """Takes an entry away: its people are strangers again. False when there was none."""
    return bool(await connection.fetchval("DELETE FROM peers WHERE name = $1 RETURNING true", name))


async def snapshot(pool: Pool) -> Snapshot:
    """What a door decides by. Raises what the store raises."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            "SELECT name, standing, may_see, may_invoke, may_spend, dialback, certificate <> '' AS pinned FROM peers"
        )
        asked = await connection.fetch("SELECT domain FROM peer_introductions")
    return Snapshot({row["name"]: _peer(row, row["pinned"]) for row in rows}, frozenset(row["domain"] for row in asked))


async def knock(pool: Pool, domain: str, now: datetime) -> bool:
    """Notes that a domain wants to be introduced. False when that is noted already, or too many wait."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM peer_introductions WHERE asked_at < $1", now - WAITS)
        noted = await connection.fetchval(
            "INSERT INTO peer_introductions (domain, asked_at) SELECT $1, $2"
            " WHERE (SELECT count(*) FROM peer_introductions) < $3 ON CONFLICT DO NOTHING RETURNING true",
            domain,
            now,
            MOST_INTRODUCTIONS,
        )
    return bool(noted)


async def introductions(connection: Connection, now: datetime) -> Sequence[Introduction]:
    """Who waits, the oldest first."""
    rows = await connection.fetch(
        "SELECT domain, asked_at FROM peer_introductions WHERE asked_at >= $1 ORDER BY asked_at, domain", now - WAITS
    )
    return [Introduction(row["domain"], row["asked_at"]) for row in rows]


async def drop_introduction(connection: Connection, domain: str) -> bool:
    """The request is answered. False when none waits."""
    return bool(await connection.fetchval("DELETE FROM peer_introductions WHERE domain = $1 RETURNING true", domain))


def _row(row: asyncpg.Record) -> PeerRow:
    peer = _peer(row, bool(row["certificate"]))
    return PeerRow(peer, row["certificate"], row["note"], row["created_at"], row["changed_at"])


def _peer(row: asyncpg.Record, pinned: bool) -> Peer:
    proof = Proof.DIALBACK if row["dialback"] else Proof.PINNED if pinned else Proof.CERTIFICATE
    switches = row["may_see"], row["may_invoke"], row["may_spend"]
    return Peer(row["name"], Standing(row["standing"]), *switches, proof)
