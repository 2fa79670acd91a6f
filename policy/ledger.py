"""Ledger maths (SPEC 6): the canonical record and the hash chain.

record = canonical JSON (RFC 8785) of ids, digests and codes, never text.
hash   = SHA-256(previous hash | seq as 8 bytes, big endian | record); the first previous hash is 32 zero bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiox.kernel.canonical import Json, canonical

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened. `details` holds ids, digests and codes."""

    id: UUID
    owner: UUID
    event_type: str
    severity: str
    details: Mapping[str, Json]
    created_at: datetime
    actor: str
    correlation_id: UUID | None = None
    request_id: UUID | None = None
    organisation_id: UUID | None = None

    def encode(self) -> bytes:
        """The bytes that are hashed and stored."""
        return canonical(
            {
                "id": str(self.id),
                "owner_user_id": str(self.owner),
                "event_type": self.event_type,
                "severity": self.severity,
                "details": self.details,
                "created_at": self.created_at.isoformat(timespec="microseconds"),
                "actor": self.actor,
                "correlation_id": str(self.correlation_id) if self.correlation_id else None,
                "request_id": str(self.request_id) if self.request_id else None,
                "organisation_id": str(self.organisation_id) if self.organisation_id else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A stored record with its place in the chain. `columns_match` says whether the table's columns agree with it."""

    seq: int
    record: bytes
    previous_hash: bytes
    hash: bytes
    columns_match: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """The first bad record, and what is wrong with it."""

    seq: int
    what: str


def link(previous: bytes, seq: int, record: bytes) -> bytes:
    """The hash of a record at its place."""
    return hashlib.sha256(previous + seq.to_bytes(8) + record).digest()


def verify(rows: Iterable[Row], after_seq: int = 0, after_hash: bytes = GENESIS) -> tuple[int, bytes] | Fault:
    """Walks the chain from the record after `after_seq`. Returns the last seq and hash, or the first fault."""
    seq, head = after_seq, after_hash
    for row in rows:
        if row.seq != seq + 1:
            return Fault(seq + 1, f"missing: the next record is {row.seq}")
        if row.previous_hash != head:
            return Fault(row.seq, "does not follow the record before it")
        if link(head, row.seq, row.record) != row.hash:
            return Fault(row.seq, "its hash does not fit its content")
        if not row.columns_match:
            return Fault(row.seq, "its columns do not say what was hashed")
        seq, head = row.seq, row.hash
    return seq, head
