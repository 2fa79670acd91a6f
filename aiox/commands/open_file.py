"""Opens the file behind a signed link: a long answer, or what a tool has left, for whoever has the link.

All that does not open is alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.commands import gate
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import NOBODY
from aiox.commands.refusal import refusal_of
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.file_links import FileLink, opened
from aiox.runtime.objects.port import ObjectMissing
from policy.access import Relation
from registry import executions, indexing, tenants

ACTION: Final = Action.FILE_OPEN
NAME: Final = "answer.md"
MEDIA_TYPE: Final = "text/markdown; charset=utf-8"
ANY_TYPE: Final = "application/octet-stream"
"""Of a document: what a program has left is saved and never shown."""
_NOTHING: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("L0 link",))


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file, to be saved and not shown."""

    name: str
    media_type: str
    content: bytes


async def run(hub: Hub, key: bytes, token: str) -> OpenedFile | Refused:
    """NOT_FOUND for a link that was made up, changed or has ended, and for what is not there any more."""
    link = opened(key, token, int(hub.clock.now().timestamp()))
    if link is None:
        return _NOTHING
    actor = Actor(HUB_OWNER, BareJid(NOBODY.jid))
    no = refusal_of(await gate.authorise_related(hub, actor, ACTION, Relation.GRANTED, link.owner))
    return no if no is not None else await _answer(hub, link) or await _document(hub, link) or _NOTHING


async def _answer(hub: Hub, link: FileLink) -> OpenedFile | None:
    sealed = await executions.sealed_answer(hub.pool, link.owner, link.record)
    if sealed is None:
        return None
    ring = await tenants.load_ring(hub.pool, hub.keys, link.owner)
    return OpenedFile(NAME, MEDIA_TYPE, ring.open(sealed, executions.answer_place(link.owner, link.record)))


async def _document(hub: Hub, link: FileLink) -> OpenedFile | None:
    """None also once it was deleted, by hand or by age. Raises OSError when the object store is away."""
    found = await indexing.load_content(hub.pool, link.owner, link.record)
    if found is None:
        return None
    try:
        content = await found.open(await tenants.load_ring(hub.pool, hub.keys, link.owner), hub.objects)
    except ObjectMissing:
        return None
    return OpenedFile(found.title, ANY_TYPE, content)
