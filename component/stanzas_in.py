"""A message stanza becomes a question for the hub, a refusal, or nothing. Pure: no IO, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.envelope import MESSAGE, REACTED, MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import TurnId, agent_id_of, turn_id_of
from aiox.kernel.jid import BareJid, local_part
from aiox.kernel.units import MAX_BODY_BYTES
from component.features.chat_states import speaks_chat_states
from component.features.files import OOB, SHARING, attachments_of, text_beside
from component.features.questions import BadQuestion, question_of
from component.features.reactions import REACTIONS, reactions_of
from component.features.receipts import asks_receipt
from component.stanza_xml import COMPONENT, SID, child

MAX_ID_CHARACTERS: Final = 1024
"""Longest origin-id or stanza id taken. Clients use about 40 characters."""

_CONVERSATION_TYPES: Final = frozenset({"", "chat", "normal"})
_CONTENTS: Final = ((COMPONENT, "body"), (SHARING, "file-sharing"), (OOB, "x"), (REACTIONS, "reactions"))


@dataclass(frozen=True, slots=True)
class Question:
    """A message to admit. `stanza` is kept for the answers that the door itself gives to it."""

    received: MessageReceived
    stanza: Element
    wants_receipt: bool
    wants_states: bool
    type: str = MESSAGE
    """Of the event that is admitted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message to answer with an error at once."""

    stanza: Element
    code: ErrorCode


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the server vouches for: it stamps `from` on every stanza of its users and peers (RFC 6120, 8.1.2.1)."""

    full: str
    bare: BareJid


def is_conversation(stanza: Element) -> bool:
    """Whether the stanza is for an agent: a body, a file or a reaction, and no error, room or headline message."""
    if stanza.get("type", "") not in _CONVERSATION_TYPES:
        return False
    return any(child(stanza, *one) is not None for one in _CONTENTS)


def vouched_sender(stanza: Element) -> Sender | None:
    """The sender, normalised; None when there is none with a local part. Nothing is ever sent to such an address."""
    try:
        jid = JID(stanza.get("from", ""))
    except InvalidJID:
        return None
    return Sender(str(jid), BareJid(jid.bare)) if jid.local and jid.domain else None


def read_message(stanza: Element, sender: Sender, draw_id: Callable[[], UUID]) -> Question | Refusal:
    """The question in a stanza for which `is_conversation` holds.

    `draw_id` names the turn of a message that has no id of its own and so is a duplicate of nothing.
    """
    body, message_id, reaction, files = body_of(stanza), id_of(stanza), reactions_of(stanza), attachments_of(stanza)
    if reaction is not None:
        body, files = " ".join(reaction.emojis), ()
    if (code := _fault(body, message_id, may_be_empty=reaction is not None or bool(files))) is not None:
        return Refusal(stanza, code)
    try:
        agent = JID(stanza.get("to", ""))
    except InvalidJID:
        return Refusal(stanza, ErrorCode.ACCESS_DENIED)
    if not agent.local:
        return Refusal(stanza, ErrorCode.ACCESS_DENIED)
    try:
        question = question_of(stanza)
    except BadQuestion:
        return Refusal(stanza, ErrorCode.BODY_INVALID)
    if question is not None and question.chain[-1] != agent_id_of(local_part(sender.bare)):
        return Refusal(stanza, ErrorCode.BODY_INVALID)  # an agent asks in its own name
    turn_id = turn_id_of(sender.bare, agent.bare, message_id, body) if message_id else TurnId(draw_id())
    received = MessageReceived(
        sender_full=sender.full,
        sender=sender.bare,
        agent_jid=BareJid(agent.bare),
        agent_id=agent_id_of(agent.local),
        message_id=message_id,
        turn_id=turn_id,
        body=text_beside(body, files),
        stanza_type="chat" if stanza.get("type") == "chat" else "normal",
        thread=_thread(stanza),
        attachments=files,
        about="" if reaction is None else reaction.about,
        question=question,
    )
    if reaction is not None:
        return Question(received, stanza, wants_receipt=False, wants_states=False, type=REACTED)
    return Question(received, stanza, asks_receipt(stanza), speaks_chat_states(stanza))


def _thread(stanza: Element) -> str:
    """The conversation thread (RFC 6121, 5.2.5), an opaque id; a text of any length is no id and is left out."""
    thread = child(stanza, COMPONENT, "thread")
    text = (thread.text or "") if thread is not None else ""
    return text if len(text) <= MAX_ID_CHARACTERS else ""


def body_of(stanza: Element) -> str:
    """The text of a message."""
    body = child(stanza, COMPONENT, "body")
    return "" if body is None else "".join(body.itertext())


def message_fault(stanza: Element) -> ErrorCode | None:
    """What is wrong with size or form of a message; None when nothing is."""
    return _fault(body_of(stanza), id_of(stanza))


def id_of(stanza: Element) -> str:
    """The id that its sender gave to a message; empty when there is none."""
    # XEP-0359: the origin-id survives servers that rewrite the stanza's own id.
    origin = child(stanza, SID, "origin-id")
    return (origin.get("id", "") if origin is not None else "") or stanza.get("id", "")


def _fault(body: str, message_id: str, *, may_be_empty: bool = False) -> ErrorCode | None:
    if not body.strip() and not may_be_empty:
        return ErrorCode.BODY_EMPTY
    if len(body.encode()) > MAX_BODY_BYTES:
        return ErrorCode.BODY_TOO_LARGE
    return ErrorCode.BODY_INVALID if len(message_id) > MAX_ID_CHARACTERS else None
