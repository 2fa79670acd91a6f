"""Takes a file that somebody has sent to an agent in a chat. It is theirs: recalled in their turns alone (SPEC 3).

An owner may say that it is for all who may invoke the agent; then it is one of the agent's documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from aiox.commands import gate
from aiox.commands.hub import Actor, Hub
from aiox.commands.put_document import RULE_FULL
from aiox.commands.refusal import refusal_of
from aiox.kernel.actions import Action
from aiox.kernel.envelope import Attachment
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.media import HEAD_BYTES, sniff, what_it_is
from aiox.kernel.outcome import Refused
from aiox.runtime.fetching import Fetched, NotFetched
from aiox.runtime.postgres import owner_scope
from aiox.runtime.sealed_stream import new_key, sealed
from policy.access import Relation
from registry import documents, storage, tenants
from registry.documents import KeptFile, NewDocument, Stored, file_place

ACTION: Final = Action.DOCUMENT_ATTACH

Fetch = Callable[[str, int], Awaitable[Fetched]]
"""Gets the file at a URL, of so many bytes at most. Raises NotFetched."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """The agent that a file was sent to, as the turn knows it; `memory_mb` is what its memory may hold."""

    owner: OwnerId
    agent_id: AgentId
    relation: Relation
    memory_mb: int
    embedding_model: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that was taken, and will be read."""

    document_id: UUID
    name: str


async def run(
    hub: Hub, actor: Actor, receiver: Receiver, file: Attachment, fetch: Fetch, *, for_all: bool = False
) -> Attached | Refused:
    """Gets the file and stores it. The same again changes nothing. Raises OSError when the object store is away.

    `for_all` counts for the agent's owner only. A refusal is a sentence for the sender.
    """
    no = refusal_of(await gate.authorise_related(hub, actor, ACTION, receiver.relation, receiver.owner))
    if no is not None:
        return no
    name = file.name or "file"
    if file.bytes > hub.upload_bytes:
        return _refused(ErrorCode.BODY_TOO_LARGE, f"{name} is larger than {hub.upload_bytes:,} bytes.")
    try:
        fetched = await fetch(file.url, hub.upload_bytes)
    except NotFetched as why:
        return _refused(ErrorCode.BODY_INVALID, f"I could not get {name}. {why}")
    if not fetched.content:
        return _refused(ErrorCode.BODY_EMPTY, f"{name} is empty.")
    declared = file.media_type or fetched.media_type
    if sniff(fetched.content[:HEAD_BYTES], declared, name) is None:
        return _refused(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"I cannot take {name}: it is {what_it_is(fetched.content[:HEAD_BYTES], declared)}."
            " I read PDF, DOCX, HTML, Markdown, CSV and plain text.",
        )
    subject = "" if for_all and receiver.relation is Relation.OWNER else actor.jid
    return await keep(hub, receiver, BareJid(subject), Content(name, declared, fetched.content))


@dataclass(frozen=True, slots=True)
class Content:
    """A file. `source`: what it replaces when it comes again; empty: its name."""

    name: str
    media_type: str
    content: bytes
    source: str = ""


async def keep(hub: Hub, receiver: Receiver, subject: BareJid, file: Content) -> Attached | Refused:
    """Stores a file, for one correspondent or with an empty `subject` for all, for whoever has passed the gate.

    First the file, then its row; a crash in between leaves a file that is swept. What the hub does not read is kept
    all the same. MEMORY_FULL when there is no room. Raises OSError when the object store is away.
    """
    document_id, key, content, name = uuid4(), new_key(), file.content, file.name
    await hub.objects.put(document_id, sealed(key, file_place(receiver.owner, document_id), _one(content)))
    document = NewDocument(
        id=document_id,
        owner=receiver.owner,
        agent_id=receiver.agent_id,
        title=name,
        source=file.source or name,
        media_type=file.media_type or "application/octet-stream",
        content="",
        embedding_model=receiver.embedding_model,
        created_at=hub.clock.now(),
        file=KeptFile(key, hashlib.sha256(content).digest(), len(content)),
        subject=subject,
        readable=sniff(content[:HEAD_BYTES], file.media_type, name) is not None,
    )
    try:
        stands = await _put(hub, document, receiver.memory_mb)
    except _NoRoom as full:
        await hub.objects.delete(document_id)
        return Refused(ErrorCode.MEMORY_FULL, f"I cannot keep {name}. {full}", (RULE_FULL,))
    if stands != document_id:  # the same file was there already
        await hub.objects.delete(document_id)
    return Attached(stands, name)


class _NoRoom(Exception):
    """Undoes the transaction. The message is the sentence for the person."""


async def _put(hub: Hub, document: NewDocument, agent_mb: int) -> UUID:
    async with owner_scope(hub.pool, document.owner) as connection:
        ring = await tenants.ring_of(connection, hub.keys, document.owner)
        await storage.lock(connection, document.owner)
        stored, stands = await documents.put(connection, ring, document)
        if stored is not Stored.UNCHANGED:
            space = await storage.used(connection, document.owner, document.agent_id, agent_mb)
            if space.left < 0:
                raise _NoRoom(space.refusal(0))
    return stands


def _refused(code: ErrorCode, sentence: str) -> Refused:
    return Refused(code, sentence, ("F0 file",))


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
