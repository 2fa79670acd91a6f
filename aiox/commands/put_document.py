"""Gives an agent a document to know. The text waits until a worker has embedded it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from pydantic import Field, StringConstraints, field_validator

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.agent import Line, Prose
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from policy.storage import passages_of
from registry import agents, documents, storage, tenants
from registry.documents import NewDocument, Stored

ACTION: Final = Action.DOCUMENT_PUT
RULE_FULL: Final = "M0 memory"
MAX_CHARACTERS: Final = 1_000_000


class DocumentText(Fields):
    """A document. The same source again replaces it; the same text again changes nothing."""

    title: Annotated[Line, StringConstraints(min_length=1)]
    source: Annotated[Line, StringConstraints(min_length=1)]
    media_type: Literal["text/plain", "text/markdown"] = "text/plain"
    content: Prose = Field(max_length=MAX_CHARACTERS)

    @field_validator("content")
    @classmethod
    def _has_text(cls, content: str) -> str:
        if not content.strip():
            raise ValueError("the document has no text")
        return content


class PutDocument(DocumentText):
    """A document of one agent."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class DocumentPut:
    """What happened, and the document that stands now."""

    document_id: UUID
    stored: Stored


async def run(hub: Hub, actor: Actor, fields: PutDocument) -> DocumentPut | Refused:
    """Stores the document in one transaction. NOT_FOUND for unknown, deleted and foreign agents alike; MEMORY_FULL when
    agent or account have no room for it.
    """
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    detail = await agents.load_detail(hub.pool, actor.owner, fields.agent_id)
    if detail is None:  # deleted since the gate looked
        return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    document = NewDocument(
        id=uuid4(),
        owner=actor.owner,
        agent_id=fields.agent_id,
        title=fields.title,
        source=fields.source,
        media_type=fields.media_type,
        content=fields.content,
        embedding_model=detail.version.memory_config.embedding_model,
        created_at=hub.clock.now(),
    )
    try:
        return await _put(hub, document, detail.version.governance.max_memory_mb)
    except _NoRoom as full:
        return Refused(ErrorCode.MEMORY_FULL, str(full), (RULE_FULL,))


class _NoRoom(Exception):
    """Undoes the transaction. The message is the sentence for the person."""


async def _put(hub: Hub, document: NewDocument, agent_mb: int) -> DocumentPut:
    """Stores it, and looks then whether it fits, with the passages that will be cut from it. Raises _NoRoom."""
    async with owner_scope(hub.pool, document.owner) as connection:
        ring = await tenants.ring_of(connection, hub.keys, document.owner)
        await storage.lock(connection, document.owner)
        stored, document_id = await documents.put(connection, ring, document)
        if stored is not Stored.UNCHANGED:
            space = await storage.used(connection, document.owner, document.agent_id, agent_mb)
            passages = passages_of(len(document.content.encode()))
            if passages > space.left:
                raise _NoRoom(space.refusal(passages))
    return DocumentPut(document_id, stored)
