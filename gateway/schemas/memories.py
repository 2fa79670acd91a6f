"""What an agent remembers about somebody, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gateway.schemas.common import Out


class MemoryOut(Out):
    """One entry. `kind` is fact or summary; `origin` how a fact came: asked, learnt or written."""

    id: UUID
    kind: str
    content: str
    origin: str
    created_at: datetime


class MemoryList(Out):
    """All entries of one agent about the asker."""

    items: Sequence[MemoryOut]


class Forgotten(Out):
    """How many entries were forgotten."""

    entries: int


class RecalledOut(Out):
    """A memory behind an answer. `kind` is chunk, fact or summary, empty when it was deleted since.

    `title` and `section` of a document's passage; `content` of what is your own.
    """

    memory_id: UUID
    kind: str
    origin: str
    title: str
    section: str
    content: str
    told_at: datetime | None


class SourcesOut(Out):
    """What one answer rested on, in the order in which the model was shown it."""

    turn_id: UUID
    answered_at: datetime
    sources: Sequence[RecalledOut]
