"""Ledger maths (SPEC 6): the canonical record and the hash chain.

record = canonical JSON (RFC 8785) of ids, digests and codes, never text.
hash   = SHA-256(previous hash | seq as 8 bytes, big endian | record); the first previous hash is 32 zero bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
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
        """The bytes that are hashed and stored. Raises ValueError for what canonical JSON cannot hold.

        Written out by hand, names in their order: the hub makes several of these for every message.
        """
        details = _plain_json(self.details) if _is_plain(self.details) else canonical(self.details).decode()
        return (
            f'{{"actor":{_text(self.actor)},"correlation_id":{_id(self.correlation_id)},'
            f'"created_at":"{self.created_at.isoformat(timespec="microseconds")}","details":{details},'
            f'"event_type":{_text(self.event_type)},"id":"{self.id}","organisation_id":{_id(self.organisation_id)},'
            f'"owner_user_id":"{self.owner}","request_id":{_id(self.request_id)},"severity":{_text(self.severity)}}}'
        ).encode()


_text: Final[Callable[[str], str]] = json.encoder.encode_basestring
"""A JSON string with the escapes of RFC 8785, which are those of ECMAScript."""
_plain_json: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_SAFE: Final = 1 << 53


def _id(found: UUID | None) -> str:
    return "null" if found is None else f'"{found}"'


def _is_plain(value: object) -> bool:
    """Whether the plain encoder writes RFC 8785: no fractions, no integer beyond 2^53, names of ASCII letters."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -_SAFE < value < _SAFE  # type: ignore[operator]  # mypy does not follow `kind`
    if kind is dict:
        return all(type(name) is str and name.isascii() and _is_plain(part) for name, part in value.items())  # type: ignore[attr-defined]
    if kind is list:
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    return False


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
