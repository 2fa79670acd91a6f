"""The ledger, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from gateway.schemas.common import Out


class LedgerRecordOut(Out):
    """One record. `details` are ids, digests and codes, by event; never a text."""

    seq: int
    id: UUID
    owner_user_id: UUID
    event_type: str
    severity: str
    actor: str
    details: dict[str, JsonValue]
    created_at: datetime
    correlation_id: UUID | None
    request_id: UUID | None


class LedgerPage(Out):
    """Records, the newest first. `next` is `below` of the next page; null: there is none."""

    items: Sequence[LedgerRecordOut]
    next: int | None


class CheckpointOut(Out):
    """A signed checkpoint. `note` is what was signed (c2sp.org/tlog-checkpoint), `root` its root in hex."""

    size: int
    root: str
    note: str
    created_at: datetime


class LedgerKeyOut(Out):
    """A key that signs, or signed until `retired_at`, as a verifier key of c2sp.org/signed-note."""

    number: int
    key: str
    created_at: datetime
    retired_at: datetime | None


class CheckpointPage(Out):
    """Checkpoints and keys, the newest first. `next` is `below` of the next page; null: there is none."""

    items: Sequence[CheckpointOut]
    keys: Sequence[LedgerKeyOut]
    next: int | None


class ConsistencyOut(Out):
    """The newest checkpoint and the hashes, in hex, that prove the tree of `old` records to be its beginning."""

    old: int
    newest: CheckpointOut
    proof: Sequence[str]
