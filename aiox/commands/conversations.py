"""One's conversation with an agent, also somebody else's: kept quiet for a while, and begun anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from aiox.commands import ask_agent
from aiox.commands.ask_agent import AskAgent, Submit
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_related
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from registry import chat_choices, directory
from registry.asked import AskedTurn

LONGEST: Final = timedelta(days=30)
RESET_WORDS: Final = "/reset"
_UNKNOWN: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())


class GivenSpan(Fields):
    """For how long an agent says nothing unasked."""

    minutes: int = Field(ge=0, le=LONGEST // timedelta(minutes=1), description="0: it may speak again")


class MuteAgent(GivenSpan):
    """The same of one agent."""

    agent_id: AgentId


class WhichConversation(Fields):
    """The actor's with this agent."""

    agent_id: AgentId


async def mute(hub: Hub, actor: Actor, fields: MuteAgent) -> datetime | Refused | None:
    """Until when the agent says nothing unasked; None: it may. NOT_FOUND for agents that the actor may not talk to."""
    no = await refused_related(hub, actor, Action.CHAT_MUTE, fields.agent_id)
    if no is not None:
        return no
    _, owner = await directory.find_relation(hub.pool, fields.agent_id, actor.jid)
    if owner is None:  # deleted since the gate looked
        return _UNKNOWN
    return await be_quiet(hub, owner, fields.agent_id, actor.jid, timedelta(minutes=fields.minutes))


async def be_quiet(hub: Hub, owner: OwnerId, agent: AgentId, person: BareJid, span: timedelta) -> datetime | None:
    """The deed itself, for whoever has passed the gate. No time at all ends it."""
    now = hub.clock.now()
    until = now + span if span else None
    await chat_choices.mute(hub.pool, owner, agent, person, until, now)
    return until


async def reset(hub: Hub, actor: Actor, fields: WhichConversation, submit: Submit) -> AskedTurn | Refused:
    """Has the conversation begin anew, behind what was said in it before: the turn in which that is done.

    It goes the way of `/reset` in a chat: judged, done and put on record in its lane. Refused as a message is.
    """
    return await ask_agent.run(hub, actor, AskAgent(agent_id=fields.agent_id, text=RESET_WORDS), submit)
