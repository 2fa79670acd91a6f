"""The envelope of SPEC 4 and the events it carries, as the rest of the hub sees them (wire/codec has the bytes)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

from aiox.kernel.command import CommandAnswered, CommandAsked
from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid
from aiox.kernel.question import Question

XMPP: Final = "xmpp"
HTTP: Final = "http"
"""Channels: by which door a message came, and so how its answer goes back."""
HUB: Final = "hub"
"""Channel of what the hub asks a worker by itself, beside the turns: nobody waits for it, nothing is sent."""


ANSWERED: Final = "agent.answered"
"""Type of the event that an agent of another hub has answered ours; `about` is the error of one that has not."""
MESSAGE: Final = "message.received"
REACTED: Final = "message.reacted"
"""Type of the event that somebody has reacted to an answer: `about` is its id, `body` the emojis, empty for none."""
INVITED: Final = "room.invited"
"""Type of the event that somebody invites an agent into the room `about`."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message, where it lies. All of it is said by the sender; the bytes decide what it is."""

    url: str
    name: str = ""
    media_type: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A chat message a door admitted. `sender` is who the server vouches for."""

    sender_full: str
    sender: BareJid
    agent_jid: BareJid
    agent_id: AgentId
    message_id: str
    """Origin-id or stanza id; empty for a message that has none."""
    turn_id: TurnId
    body: str
    stanza_type: str
    thread: str
    response_schema: str = ""
    """JSON Schema, canonical, that the answer to this message must fit; empty: what the agent promises."""
    attachments: tuple[Attachment, ...] = ()
    about: str = ""
    """Of a reaction or an invitation: what it is about."""
    question: Question | None = None
    """Of a message by which an agent of another hub asks."""
    proof: str = ""
    """How the sender's domain was proven when it came: local, certificate, pinned or dialback (policy/peers.py). Empty:
    it came by no XMPP server.
    """


KNOWN: Final = "known"
"""Kind of an announcement without a row: this message has had its outcome before, so nothing will be sent for it."""


INTRODUCTION: Final = "introduction"
"""Kind of a row by which a new agent asks its owner to be taken among the contacts; `body` says why."""


QUESTION: Final = "question"
"""Kind of a row by which an agent asks one of another hub."""


RETRACTED: Final = "retraction"
"""Kind of a row that takes an answer back: `reply_to_id` is the answer's id, `part` how many parts it may have had."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that an answer rests on."""

    title: str
    section: str


@dataclass(frozen=True, slots=True)
class TurnData:
    """What a client may show beside an answer. Times in milliseconds."""

    version: int
    """Of the agent; 0: no version answered, the hub did."""
    platform_ms: int
    """From admission to the answer, without the worker."""
    worker_ms: int
    tokens: int
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class OutboxReady:
    """A stanza to send: an outbox row, announced."""

    outbox_id: UUID
    turn_id: TurnId
    owner: OwnerId
    from_jid: str
    to_jid: str
    kind: str
    """answer | error | notice | introduction | known | retraction"""
    body: str
    error_code: str
    stanza_id: str
    reply_to_id: str
    stanza_type: str
    thread: str
    part: int
    priority: float = 0.0
    """The owner's weight of the agent that answers, 0..1."""
    data: TurnData | None = None
    """Of an answer."""
    file: Attachment | None = None
    """Of an answer: a link to the whole of it, behind its text."""
    name: str = ""
    """The agent's own, of an introduction."""
    approvals: tuple[str, ...] = ()
    """Names of approvals that it asks its reader to decide on: the hub's own word, whatever the body says."""
    question: Question | None = None
    """Of a question to an agent of another hub, and of our answer to one."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """How full an orchestrator is, for the doors."""

    orchestrator: str
    waiting: int
    """Turns taken and not ended."""
    places: int
    """Turns that all workers think about at a time."""
    per_second: float
    """Turns that end in a second while places are scarce; 0 when not known yet."""


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """What a worker says of itself once a second."""

    worker_id: str
    host: str
    port: int
    pool: str
    status: str
    active_requests: int
    capacity: int
    mean_latency_ms: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class LiveDelta:
    """A piece of an answer for who asked and listens. May be lost: the stored answer is the truth."""

    turn_id: TurnId
    attempt: int
    """Milliseconds since the epoch when this attempt began; the pieces of a later one replace those of an earlier."""
    offset: int
    """Characters of the answer before this piece."""
    text: str
    """Empty at the beginning of an attempt, and at the end."""
    ended: bool
    """The turn has its outcome: read it."""
    agent_jid: BareJid | None = None
    """Of a chat: the address that was asked. None: the turn was asked over HTTP."""


@dataclass(frozen=True, slots=True)
class LiveWanted:
    """Who reads their chats in the pages now: pieces of their answers are wanted. Said again while they read."""

    jid: BareJid


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """Who asked a turn over HTTP wants it stopped. May be lost: the mark at the turn is the truth."""

    turn_id: TurnId


Payload = TypeVar(
    "Payload",
    bound=MessageReceived
    | OutboxReady
    | WorkerBeat
    | LiveDelta
    | LiveWanted
    | Pressure
    | CancelAsked
    | CommandAsked
    | CommandAnswered,
)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[Payload]):
    """Stands around every event. Both correlation and causation id travel from stanza to audit row."""

    id: UUID
    type: str
    version: int
    tenant: OwnerId | None
    """Whose event it is, where that is known; of a message over HTTP, the account that asks."""
    channel: str
    correlation_id: UUID
    causation_id: UUID
    occurred_at: datetime
    producer: str
    traceparent: str
    payload: Payload
