"""Records of the ledger as people read them: an owner their own, an organisation's auditor those that name it, the
hub's auditor all (SPEC 5 and 6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from aiox.kernel.ids import OwnerId
from aiox.runtime.postgres import Pool, owner_scope


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One record, as it is listed."""

    seq: int
    id: UUID
    owner_user_id: UUID
    event_type: str
    severity: str
    actor: str
    details: dict[str, Any]
    created_at: datetime
    correlation_id: UUID | None
    request_id: UUID | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them: below a number, of some events, of one turn. None is any."""

    below: int | None = None
    event_type: str | None = None
    severity: str | None = None
    correlation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def values(self, limit: int) -> tuple[object, ...]:
        """In the order in which the statements want them."""
        return (self.below, self.event_type, self.severity, self.correlation_id, self.since, self.until, limit)


_LISTED: Final = (
    "SELECT seq, id, owner_user_id, event_type, severity, actor, details, created_at, correlation_id, request_id"
    " FROM audit_logs WHERE {} = $8 AND ($1::bigint IS NULL OR seq < $1)"
    " AND ($2::text IS NULL OR event_type = $2) AND ($3::text IS NULL OR severity = $3)"
    " AND ($4::uuid IS NULL OR correlation_id = $4) AND ($5::timestamptz IS NULL OR created_at >= $5)"
    " AND ($6::timestamptz IS NULL OR created_at < $6) ORDER BY seq DESC LIMIT $7"
)


async def list_of_owner(pool: Pool, owner: OwnerId, wanted: Wanted, limit: int) -> Sequence[LedgerRow]:
    """An owner's own records, the newest first. Row-level security holds whatever is asked."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(_LISTED.format("owner_user_id"), *wanted.values(limit), owner)
    return [_listed(row) for row in rows]


async def list_of_organisation(
    pool: Pool, reader: OwnerId, organisation: UUID, wanted: Wanted, limit: int
) -> Sequence[LedgerRow]:
    """Records that name an organisation, the newest first. Row-level security asks for the reader's role there, too."""
    async with owner_scope(pool, reader) as connection:
        await connection.execute("SELECT set_config('aiox.organisation', $1, true)", str(organisation))
        rows = await connection.fetch(_LISTED.format("organisation_id"), *wanted.values(limit), organisation)
    return [_listed(row) for row in rows]


async def list_all(pool: Pool, wanted: Wanted, limit: int) -> Sequence[LedgerRow]:
    """Everybody's records, the newest first: for the hub's auditor."""
    rows = await pool.fetch("SELECT * FROM ledger_list($1, $2, $3, $4, $5, $6, $7)", *wanted.values(limit))
    return [_listed(row) for row in rows]


def _listed(row: asyncpg.Record) -> LedgerRow:
    return LedgerRow(**{**row, "details": json.loads(row["details"])})
