"""Who told you that? What an agent's answer to the actor rested on. The agent may be somebody else's."""

from __future__ import annotations

from uuid import UUID

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_related
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import sources
from registry.sources import Rested, Source


class WhichAnswer(Fields):
    """An agent, and a turn of the actor's with it; left out: the newest that was answered."""

    agent_id: AgentId
    turn_id: UUID | None = None


async def run(hub: Hub, actor: Actor, fields: WhichAnswer) -> Rested | Refused:
    """The sources. NOT_FOUND for agents that the actor may not talk to, and when no such turn was answered."""
    no = await refused_related(hub, actor, Action.SOURCE_LIST, fields.agent_id)
    if no is not None:
        return no
    found = await sources.of_turn(hub.pool, fields.agent_id, actor.jid, fields.turn_id)
    return found or Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())


def line(source: Source) -> str:
    """A source in words."""
    day = f" on {source.told_at.date()}" if source.told_at else ""
    match source.kind:
        case "chunk":
            where = f", section “{source.section}”" if source.section else ""
            return f"{source.title or 'a document'}{where}"
        case "fact" if source.origin == "learnt":
            return f"what you said of yourself{day}: “{source.content}”"
        case "fact" if source.origin == "written":
            return f"what you wrote down{day}: “{source.content}”"
        case "fact":
            return f"what you told me{day}: “{source.content}”"
        case "summary":
            return "what we had said before, in short (/memory shows it)"
        case _:
            return "something that was deleted since"


def words(rested: Rested | None) -> str:
    """The answer to who asks in a chat or at the shell."""
    if rested is None:
        return "I have answered nothing of yours here yet."
    if not rested.sources:
        return "My last answer rested on no document and on nothing that you told me: the model's own words."
    return "\n".join(["My last answer rested on:", *(f"- {line(one)}" for one in rested.sources)])
