"""Credentials for providers: what each level says about one, sealed with its owner's key (SPEC 5). Owner-scoped.

The hub's own belong to the hub's own tenant and are sealed with the hub's key, an organisation's to the organisation,
which has a data key of its own. Nothing here gives a secret in clear to
anyone but the caller that holds the ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Pool, owner_scope
from policy.credentials import Kind, Level, Mode, Said, Status
from registry import tenants

_PUT = """
    INSERT INTO provider_credentials (id, owner_user_id, organisation_id, level, kind, provider, mode, api_base, secret,
                                      status, reason, checked_at, created_at, updated_at)
    VALUES ($1, $2::uuid, CASE WHEN $3::text = 'organisation' THEN $2::uuid END, $3, $4, $5, $6, $7, $8, $9, $10, $11,
            $12, $12)
    ON CONFLICT (id) DO UPDATE SET mode = $6, api_base = $7, secret = $8, status = $9, reason = $10, checked_at = $11,
                                   updated_at = $12
    RETURNING id, owner_user_id, level, kind, provider, mode, api_base, secret, status, reason, checked_at,
              updated_at"""
_COLUMNS = "id, owner_user_id, level, kind, provider, mode, api_base, secret, status, reason, checked_at, updated_at"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a level says about a provider. `sealed` opens with its owner's ring; None without a secret."""

    id: UUID
    owner: OwnerId
    level: Level
    kind: Kind
    provider: str
    mode: Mode
    api_base: str
    sealed: bytes | None
    status: Status
    reason: str
    checked_at: datetime | None
    updated_at: datetime

    @property
    def said(self) -> Said:
        """For the judge."""
        return Said(self.level, self.mode, self.status)

    def open(self, ring: KeyRing) -> str:
        """The secret in clear, empty when there is none. Raises CannotOpen."""
        return "" if self.sealed is None else ring.open(self.sealed, place(self.owner, self.id)).decode()


@dataclass(frozen=True, slots=True)
class NewBinding:
    """A binding to be stored. `id` counts only when there is none for this provider yet."""

    id: UUID
    owner: OwnerId
    level: Level
    kind: Kind
    provider: str
    mode: Mode
    api_base: str
    secret: str
    status: Status
    reason: str
    checked_at: datetime | None
    now: datetime


def place(owner: OwnerId, credential: UUID) -> Place:
    """What binds a sealed secret to its row."""
    return Place(owner, "provider_credentials", "secret", credential)


async def put(pool: Pool, keys: KeyRing, new: NewBinding) -> Binding:
    """Stores what a level says, in place of what it said before."""
    async with owner_scope(pool, new.owner) as connection:
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"credential:{new.owner}:{new.kind}:{new.provider}"
        )
        if new.level is Level.ORGANISATION:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"tenant:{new.owner}")
            await tenants.ensure_key(connection, keys, new.owner, new.now)
        ring = await tenants.ring_of(connection, keys, new.owner)
        known = await connection.fetchval(
            "SELECT id FROM provider_credentials WHERE owner_user_id = $1 AND kind = $2 AND provider = $3",
            new.owner,
            new.kind,
            new.provider,
        )
        credential = known or new.id
        sealed = ring.seal(new.secret.encode(), place(new.owner, credential)) if new.secret else None
        row = await connection.fetchrow(
            _PUT,
            credential,
            new.owner,
            new.level,
            new.kind,
            new.provider,
            new.mode,
            new.api_base,
            sealed,
            new.status,
            new.reason,
            new.checked_at,
            new.now,
        )
    if row is None:
        raise RuntimeError("INSERT ... RETURNING gives one row")
    return _binding(row)


async def list_of(pool: Pool, owner: OwnerId) -> Sequence[Binding]:
    """All that this owner says, by kind and provider."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM provider_credentials WHERE owner_user_id = $1 ORDER BY kind, provider",  # noqa: S608
            owner,
        )
    return [_binding(row) for row in rows]


async def organisations_of(pool: Pool, owner: OwnerId) -> Sequence[OwnerId]:
    """The organisations whose credentials an account may use, the one it joined first before the others.

    An organisation is a tenant: its id stands where an owner's would. For the orchestrator's role only.
    """
    rows = await pool.fetch("SELECT organisation_id FROM find_organisations($1)", owner)
    return [OwnerId(row["organisation_id"]) for row in rows]


async def load(pool: Pool, owner: OwnerId, kind: Kind, provider: str) -> Binding | None:
    """What this owner says about one provider; None when nothing."""
    found = [one for one in await list_of(pool, owner) if (one.kind, one.provider) == (kind, provider)]
    return found[0] if found else None


async def delete(pool: Pool, owner: OwnerId, credential: UUID) -> bool:
    """Forgets a binding; False when there was none."""
    async with owner_scope(pool, owner) as connection:
        gone = await connection.execute(
            "DELETE FROM provider_credentials WHERE owner_user_id = $1 AND id = $2", owner, credential
        )
    return gone != "DELETE 0"


async def mark(pool: Pool, tested: Binding, status: Status, reason: str, checked_at: datetime | None) -> bool:
    """Stores what a test found, unless the credential was put anew meanwhile. `checked_at` None: to be tested soon."""
    async with owner_scope(pool, tested.owner) as connection:
        done = await connection.execute(
            "UPDATE provider_credentials SET status = $4, reason = $5, checked_at = $6"
            " WHERE owner_user_id = $1 AND id = $2 AND updated_at = $3",
            tested.owner,
            tested.id,
            tested.updated_at,
            status,
            reason,
            checked_at,
        )
    return done != "UPDATE 0"


async def find_due(pool: Pool, before: datetime, limit: int) -> Sequence[tuple[UUID, OwnerId]]:
    """Credentials of all owners that were not tested since `before`. For the orchestrator's role only."""
    rows = await pool.fetch("SELECT credential_id, owner_user_id FROM find_credentials_due($1, $2)", before, limit)
    return [(row["credential_id"], OwnerId(row["owner_user_id"])) for row in rows]


def _binding(row: asyncpg.Record) -> Binding:
    return Binding(
        id=row["id"],
        owner=OwnerId(row["owner_user_id"]),
        level=Level(row["level"]),
        kind=Kind(row["kind"]),
        provider=row["provider"],
        mode=Mode(row["mode"]),
        api_base=row["api_base"],
        sealed=row["secret"],
        status=Status(row["status"]),
        reason=row["reason"],
        checked_at=row["checked_at"],
        updated_at=row["updated_at"],
    )
