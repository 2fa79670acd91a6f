"""The outbound chokepoint: every stanza that leaves the hub is made safe here, and outbox rows become stanzas."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import INTRODUCTION, QUESTION, RETRACTED, Attachment, OutboxReady
from aiox.kernel.errors import ErrorCode
from aiox.kernel.jid import bare, domain, local_part
from component.errors import add_error
from component.features.chat_states import add_state
from component.features.files import add_file
from component.features.presence import request
from component.features.questions import add_answer, add_question
from component.features.quick_responses import add_responses
from component.features.retraction import retraction
from component.features.styling import styled
from component.features.turn_data import add_turn
from component.stanza_xml import COMPONENT, HINTS, SID, add, legal, stanza, to_text
from registry.archive import Stanza

GROUPCHAT: Final = "groupchat"
PART_BYTES: Final = 50 * 1024
"""Longest body sent in one stanza, in bytes of UTF-8; peers cut streams at stanzas of 64 KiB and more."""


class ForeignSender(Exception):
    """A stanza would leave under an address that is not on our agents' domain. A bug: nothing was sent."""


def seal(element: Element, agents_domain: str) -> bytes:
    """The bytes of a stanza, safe to write. Raises ForeignSender."""
    sender = element.get("from", "")
    if domain(sender) != agents_domain:
        raise ForeignSender(f"from {sender!r} is not on {agents_domain}")
    return to_text(element).encode()


def stanzas_of(ready: OutboxReady) -> list[Element]:
    """The stanzas of an outbox row: one, or several for a long answer. The same at every attempt."""
    if ready.kind == "error":
        return [_error(ready)]
    if ready.kind == INTRODUCTION:
        return [request(ready.from_jid, ready.to_jid, ready.body, ready.name)]
    if ready.kind == RETRACTED:
        return _retractions(ready)
    body = styled(ready.body) if ready.kind == "answer" else ready.body
    parts = split(legal(body), PART_BYTES)
    messages = [_message(ready, part, number) for number, part in enumerate(parts, 1)]
    add_responses(messages[-1], ready.approvals)
    return messages if ready.file is None else [*messages, _file(ready, ready.file)]


def archived_stanzas(ready: OutboxReady) -> list[Stanza]:
    """What stands in the recipient's archive once a row has arrived."""
    name, peer = local_part(ready.to_jid), bare(ready.from_jid)
    return [Stanza(name, peer, one.get("id", "")) for one in stanzas_of(ready)]


def split(text: str, limit: int) -> list[str]:
    """The text in parts of at most `limit` bytes of UTF-8 (at least 4), cut at a line end or space where one is near.

    Joined again, the parts are the text.
    """
    parts = []
    while len(data := text.encode()) > limit:
        head = data[:limit].decode(errors="ignore")
        near = len(head) * 3 // 4
        cut = max(head.rfind("\n", near), head.rfind(" ", near)) + 1 or len(head)
        parts.append(head[:cut])
        text = text[cut:]
    return [*parts, text]


def _message(ready: OutboxReady, body: str, number: int) -> Element:
    stanza_id = ready.stanza_id if number == 1 else f"{ready.stanza_id}-{number or 'file'}"
    kind = {"normal": "", GROUPCHAT: GROUPCHAT}.get(ready.stanza_type, "chat")
    message = stanza("message", ready.from_jid, ready.to_jid, kind, stanza_id)
    add(message, COMPONENT, "body", body)
    if ready.thread:
        add(message, COMPONENT, "thread", ready.thread)
    add(message, SID, "origin-id", id=stanza_id)
    if kind != GROUPCHAT:
        add_state(message, "active")
    add(message, HINTS, "store")
    if ready.data is not None and number == 1:
        add_turn(message, ready.turn_id, ready.data)
    if ready.question is not None:
        (add_question if ready.kind == QUESTION else add_answer)(message, ready.question)
    return message


def _file(ready: OutboxReady, file: Attachment) -> Element:
    """A message of its own: clients show a file where the link is all the text."""
    message = _message(ready, file.url, 0)
    add_file(message, file)
    return message


def _retractions(ready: OutboxReady) -> list[Element]:
    """Of each part of the answer; one that there never was is no harm."""
    kind = GROUPCHAT if ready.stanza_type == GROUPCHAT else "chat"
    parts = range(1, max(1, ready.part) + 1)
    ids = [("", "") if number == 1 else (f"-{number}", f"-{number}") for number in parts]
    return [
        retraction(ready.from_jid, ready.to_jid, kind, f"{ready.stanza_id}{own}", f"{ready.reply_to_id}{theirs}")
        for own, theirs in ids
    ]


def _error(ready: OutboxReady) -> Element:
    # RFC 6120 section 8.3.1: an error carries the id of the stanza it answers.
    message = stanza("message", ready.from_jid, ready.to_jid, "error", ready.reply_to_id)
    if ready.thread:
        add(message, COMPONENT, "thread", ready.thread)
    add_error(message, _code(ready.error_code), ready.body)
    return message


def _code(name: str) -> ErrorCode:
    return ErrorCode(name) if name in ErrorCode.__members__ else ErrorCode.INTERNAL
