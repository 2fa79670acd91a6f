"""Asks an agent of another hub, and waits. Nothing of the person goes along but what the agent says itself."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from aiox.kernel.envelope import QUESTION, XMPP, Envelope, OutboxReady
from aiox.kernel.ids import TurnId, derived_id
from aiox.kernel.jid import agent_jid
from aiox.kernel.question import LONGEST_MS, Question
from aiox.runtime.postgres import owner_scope
from aiox.wire.codec import encode
from orchestrator.ports import Ports
from orchestrator.proofs import AgentAnswered, AgentAsked
from registry import outbox
from registry.turns import OutboxRow

SILENT: Final = "The other hub did not answer in time."
SPARE_S: Final = 2.0
"""What is kept of the time for the way back."""


async def ask_far(ports: Ports, asked: AgentAsked) -> AgentAnswered:
    """What the other hub's agent answers, or why it does not. Raises what the store raises."""
    left = asked.until - ports.clock.monotonic()
    by, now = asked.loaded, ports.clock.now()
    most = min(LONGEST_MS, max(1, round((left - SPARE_S) * 1000)))
    question = Question(asked.call, by.turn.envelope.correlation_id, by.chain, most)
    event = _event(ports, asked, question, now)
    ready = event.payload
    with ports.far.waiting(question.stanza_id, asked.address) as answer:
        async with owner_scope(ports.pool, by.authorised.owner) as connection:
            row = OutboxRow(ready.outbox_id, ready.turn_id, by.authorised.owner, encode(event), now)
            await outbox.put(connection, [row])
        await ports.announce(event)
        try:
            async with asyncio.timeout(left):
                found = await answer
        except TimeoutError:
            return AgentAnswered("", SILENT)
    return AgentAnswered("", found.body) if found.stanza_type == "error" else AgentAnswered(found.body)


def _event(ports: Ports, asked: AgentAsked, question: Question, now: datetime) -> Envelope[OutboxReady]:
    by, outbox_id = asked.loaded, derived_id(asked.call, QUESTION)
    ready = OutboxReady(
        outbox_id=outbox_id,
        turn_id=TurnId(derived_id(asked.call, "asked")),
        owner=by.authorised.owner,
        from_jid=agent_jid(by.version.agent_id, ports.settings.domain),
        to_jid=asked.address,
        kind=QUESTION,
        body=asked.message,
        error_code="",
        stanza_id=question.stanza_id,
        reply_to_id="",
        stanza_type="chat",
        thread="",
        part=0,
        question=question,
    )
    return Envelope(
        id=derived_id(outbox_id, "event"),
        type="outbox.ready",
        version=1,
        tenant=by.authorised.owner,
        channel=XMPP,
        correlation_id=by.turn.envelope.correlation_id,
        causation_id=by.turn.envelope.id,
        occurred_at=now,
        producer="orchestrator",
        traceparent="",
        payload=ready,
    )
