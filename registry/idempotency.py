"""Idempotency keys (SPEC 12): one key of one account stands for one request on one route, for 24 hours.

Answers lie here sealed with the account's key. Owner-scoped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID, uuid4

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Pool, owner_scope
from registry import tenants

KEPT: Final = timedelta(hours=24)
LEASE: Final = timedelta(seconds=90)
"""A request that is not answered by then has died with its gateway: the key may be used again."""


class Standing(Enum):
    """What a key is that cannot be claimed."""

    IN_USE = "its request is being worked on"
    REUSED = "it stands for another request"
    REPEATABLE = "its request may be run again: the route itself knows the key"


@dataclass(frozen=True, slots=True)
class Claim:
    """The key is ours: run the request, then `keep`, `keep_repeatable` or `release`."""

    id: UUID
    owner: OwnerId


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered the first time. `headers` are those worth repeating."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Keys:
    """The keys of all accounts. `hub_keys` opens the data keys of tenants."""

    def __init__(self, pool: Pool, hub_keys: KeyRing) -> None:
        self._pool = pool
        self._hub_keys = hub_keys

    async def claim(
        self, owner: OwnerId, key_digest: bytes, request_digest: bytes, now: datetime
    ) -> Claim | KeptAnswer | Standing:
        """Takes the key for this request, or says what it stands for. Digests are SHA-256."""
        async with owner_scope(self._pool, owner) as connection:
            claimed = await connection.fetchval(
                "INSERT INTO idempotency_keys AS k (id, owner_user_id, key_digest, request_digest, created_at)"
                " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner_user_id, key_digest) DO UPDATE"
                " SET id = EXCLUDED.id, request_digest = EXCLUDED.request_digest, created_at = EXCLUDED.created_at,"
                " status = NULL, answer = NULL"
                " WHERE k.created_at < $6 OR (k.status IS NULL AND k.created_at < $7) RETURNING id",
                uuid4(),
                owner,
                key_digest,
                request_digest,
                now,
                now - KEPT,
                now - LEASE,
            )
            if claimed is not None:
                return Claim(claimed, owner)
            row = await connection.fetchrow(
                "SELECT id, request_digest, status, answer FROM idempotency_keys"
                " WHERE owner_user_id = $1 AND key_digest = $2",
                owner,
                key_digest,
            )
            if row is None:  # released between the two statements
                return Standing.IN_USE
            if bytes(row["request_digest"]) != request_digest:
                return Standing.REUSED
            if row["status"] is None:
                return Standing.IN_USE
            if row["answer"] is None:
                return Standing.REPEATABLE
            ring = await tenants.ring_of(connection, self._hub_keys, owner)
        headers, body = json.loads(ring.open(bytes(row["answer"]), _place(owner, row["id"])))
        return KeptAnswer(row["status"], tuple((name, value) for name, value in headers), body.encode("latin-1"))

    async def keep(self, claim: Claim, answer: KeptAnswer) -> None:
        """The request was answered: the key stands for this answer now."""
        plain = json.dumps([list(answer.headers), answer.body.decode("latin-1")]).encode()
        async with owner_scope(self._pool, claim.owner) as connection:
            ring = await tenants.ring_of(connection, self._hub_keys, claim.owner)
            await connection.execute(
                "UPDATE idempotency_keys SET status = $3, answer = $4 WHERE owner_user_id = $1 AND id = $2",
                claim.owner,
                claim.id,
                answer.status,
                ring.seal(plain, _place(claim.owner, claim.id)),
            )

    async def keep_repeatable(self, claim: Claim, status: int) -> None:
        """The request was answered, and repeating it is harmless: the key only tells it from other requests."""
        async with owner_scope(self._pool, claim.owner) as connection:
            await connection.execute(
                "UPDATE idempotency_keys SET status = $3 WHERE owner_user_id = $1 AND id = $2",
                claim.owner,
                claim.id,
                status,
            )

    async def release(self, claim: Claim) -> None:
        """Nothing was done: the key is free again."""
        async with owner_scope(self._pool, claim.owner) as connection:
            await connection.execute(
                "DELETE FROM idempotency_keys WHERE owner_user_id = $1 AND id = $2", claim.owner, claim.id
            )


def _place(owner: OwnerId, key_id: UUID) -> Place:
    return Place(owner, "idempotency_keys", "answer", key_id)
