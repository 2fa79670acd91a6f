"""What an agent remembers about somebody, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gateway.schemas.common import Out


class MemoryOut(Out):
    """One entry. `kind` is fact or summary."""

    id: UUID
    kind: str
    content: str
    created_at: datetime


class MemoryList(Out):
    """All entries of one agent about the asker."""

    items: Sequence[MemoryOut]


class Forgotten(Out):
    """How many entries were forgotten."""

    entries: int
