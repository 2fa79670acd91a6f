"""A command that was asked by form and has its place in a conversation: put there as the message it stands for."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from aiox.commands.chat_command import Asker
from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Hub
from aiox.kernel.command import CommandAsked
from aiox.kernel.envelope import XMPP, Envelope, MessageReceived
from aiox.kernel.ids import TurnId, agent_id_of, derived_id
from aiox.kernel.jid import BareJid, agent_jid, local_part

UNDER_WAY: Final = "It is under way; the agent tells you when it is done."


async def into_lane(hub: Hub, asker: Asker, asked: CommandAsked, resubmit: Resubmit) -> str:
    """Says the command to the agent, for the asker, behind what was said before. Raises NotStored."""
    local = local_part(asked.address)
    address = BareJid(asked.address) if local else agent_jid(asker.agent, hub.domain)
    turn = TurnId(uuid4())
    correlation = derived_id(turn, "correlation")
    message = MessageReceived(
        sender_full=asked.sender,
        sender=asker.actor.jid,
        agent_jid=address,
        agent_id=agent_id_of(local_part(address)),
        message_id="",
        turn_id=turn,
        body=f"/{asked.name}",
        stanza_type="chat",
        thread="",
        proof=asked.proof,
    )
    await resubmit(
        Envelope(
            id=derived_id(turn, "message.received"),
            type="message.received",
            version=1,
            tenant=None,
            channel=XMPP,
            correlation_id=correlation,
            causation_id=correlation,
            occurred_at=hub.clock.now(),
            producer="gateway",
            traceparent="",
            payload=message,
        )
    )
    return UNDER_WAY
