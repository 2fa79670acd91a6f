"""Documents, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gateway.schemas.common import Out
from registry.documents import DocumentState, Stored


class StoredDocument(Out):
    """What storing a document did, and the document that stands now."""

    document_id: UUID
    stored: Stored


class DocumentOut(Out):
    """A document and how far it is on its way into memory: `embedded` of `chunks` passages; `error` says why it failed.

    `bytes` is the size of the file, or of a text in UTF-8.
    """

    id: UUID
    title: str
    source: str
    media_type: str
    bytes: int
    state: DocumentState
    chunks: int
    embedded: int
    error: str
    created_at: datetime
    is_file: bool


class DocumentList(Out):
    """The documents of one agent."""

    items: Sequence[DocumentOut]
