"""Asks an agent over HTTP: the message goes the way of a stanza from admission on, and its answer is stored here.

The turn is judged by the orchestrator, like any other, and that decision is the one in the ledger. Here only a message
that could never be answered is refused, so that hidden and unknown agents look alike, and this is recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID, uuid4

from pydantic import Field

from aiox.commands import gate
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import hidden, refusal_of
from aiox.kernel.actions import Action
from aiox.kernel.agent import AnswerSchema, Prose
from aiox.kernel.canonical import canonical
from aiox.kernel.envelope import HTTP, Envelope, MessageReceived
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId, TurnId, derived_id, turn_id_of
from aiox.kernel.jid import agent_jid
from aiox.kernel.outcome import Refused
from aiox.kernel.units import MAX_BODY_BYTES
from aiox.kernel.verdict import Allow
from aiox.runtime.nats import NotStored
from registry import asked, directory
from registry.asked import AskedTurn, NewAsked

ACTION: Final = Action.AGENT_INVOKE
RULE_SIZE: Final = "M0 size"

Submit = Callable[[Envelope[MessageReceived]], Awaitable[None]]
"""Puts a message on the bus; returns when it is on disk. Raises NotStored."""


class AskText(Fields):
    """What to ask, and the form that the answer must have."""

    text: Prose
    response_schema: AnswerSchema | None = Field(
        None, description="JSON Schema that this answer fits, in place of the agent's own; no references, no patterns"
    )


class AskAgent(AskText):
    """What to ask whom. `key` is the caller's own id of this message; empty: it is a duplicate of nothing."""

    agent_id: AgentId
    key: str = ""


async def run(hub: Hub, actor: Actor, fields: AskAgent, submit: Submit) -> AskedTurn | Refused:
    """The turn, admitted to the bus, or as it stands when it was asked before under the same key and text.

    Refused with NOT_FOUND for agents that the actor may not talk to, BODY_EMPTY, BODY_TOO_LARGE, or HUB_BUSY when it
    could not be stored: then nothing of it is left.
    """
    no = _wrong_size(fields.text) or await _stranger(hub, actor, fields.agent_id)
    if no is not None:
        return no
    envelope = _envelope(hub, actor, fields)
    turn, now = envelope.payload.turn_id, envelope.occurred_at
    new = NewAsked(turn, actor.owner, fields.agent_id, actor.jid, envelope.correlation_id, now)
    known = await asked.begin(hub.pool, new)
    if known is not None and known.ended_at is not None:
        return known
    try:
        await submit(envelope)
    except NotStored:
        if known is None:
            await asked.take_back(hub.pool, actor.owner, turn)
        return Refused(ErrorCode.HUB_BUSY, SENTENCES[ErrorCode.HUB_BUSY], ())
    return known or AskedTurn(turn, fields.agent_id, envelope.correlation_id, "", "", None, 0, now, None)


async def _stranger(hub: Hub, actor: Actor, agent_id: AgentId) -> Refused | None:
    relation, owner = await directory.find_relation(hub.pool, agent_id, actor.jid)
    if isinstance(gate.judge_turn(relation), Allow):
        return None
    return hidden(refusal_of(await gate.authorise_related(hub, actor, ACTION, relation, owner)))


def _wrong_size(text: str) -> Refused | None:
    code = None
    if not text.strip():
        code = ErrorCode.BODY_EMPTY
    elif len(text.encode()) > MAX_BODY_BYTES:
        code = ErrorCode.BODY_TOO_LARGE
    return None if code is None else Refused(code, SENTENCES[code], (RULE_SIZE,))


def _envelope(hub: Hub, actor: Actor, fields: AskAgent) -> Envelope[MessageReceived]:
    address = agent_jid(fields.agent_id, hub.domain)
    # Apart from the ids of stanzas: clients that count theirs from 1 must not meet scripts that do the same.
    message_id = f"http:{fields.key}" if fields.key else ""
    schema = "" if fields.response_schema is None else canonical(fields.response_schema).decode()
    drawn = TurnId(uuid4())
    turn = turn_id_of(actor.jid, address, message_id, _said(fields.text, schema)) if message_id else drawn
    correlation: UUID = derived_id(turn, "correlation")
    return Envelope(
        id=derived_id(turn, "message.received"),
        type="message.received",
        version=1,
        tenant=actor.owner,
        channel=HTTP,
        correlation_id=correlation,
        causation_id=correlation,
        occurred_at=hub.clock.now(),
        producer="gateway",
        traceparent="",
        payload=MessageReceived(
            sender_full=actor.jid,
            sender=actor.jid,
            agent_jid=address,
            agent_id=fields.agent_id,
            message_id=message_id,
            turn_id=turn,
            body=fields.text,
            stanza_type="chat",
            thread="",
            response_schema=schema,
        ),
    )


def _said(text: str, schema: str) -> str:
    """What tells one message from another under the same key: another form makes another question."""
    return f"{text}\x1f{schema}" if schema else text
