"""Messages for the orchestrator, without a bus."""

from __future__ import annotations

from uuid import uuid4

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import AgentId, TurnId
from aiox.kernel.jid import BareJid
from tests.stores import NOW


def received(body: str = "hello", sender: str = "ada@localhost") -> Envelope[MessageReceived]:
    turn, agent_id = uuid4(), AgentId(uuid4())
    return Envelope(
        id=turn,
        type="message.received",
        version=1,
        tenant=None,
        channel="xmpp",
        correlation_id=turn,
        causation_id=turn,
        occurred_at=NOW,
        producer="test",
        traceparent="",
        payload=MessageReceived(
            turn_id=TurnId(turn),
            agent_id=agent_id,
            agent_jid=BareJid(f"agent-{agent_id}@agents.localhost"),
            sender=BareJid(sender),
            sender_full=f"{sender}/desk",
            message_id=str(turn),
            body=body,
            stanza_type="chat",
            thread="",
        ),
    )
