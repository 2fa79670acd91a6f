"""Commands as text: a message like `/help` is for the hub, never reaches a model and costs nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiox.commands import approvals, chat_lists, chat_memory, chat_texts
from aiox.commands.approvals import Decide
from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.outcome import Refused
from registry import usage
from registry.turns import QuotaConfig

_FORM: Final = re.compile(r"/([a-z]{1,32})(?:\s+(\S.*))?", re.DOTALL)
CANCEL: Final = "cancel"
CANCELLED: Final = "Nothing that you asked here before is under way any more."
REMEMBER: Final = "remember"
NAME_WANTED: Final = "Say which: /pending lists what waits, each with its name."


@dataclass(frozen=True, slots=True)
class Said:
    """A command as it was written."""

    name: str
    rest: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Who says it to which agent. `quota` is the owner's account's; None for somebody who may not talk to the agent."""

    actor: Actor
    agent: AgentId
    owner: OwnerId
    quota: QuotaConfig | None
    resubmit: Resubmit


Answer = Callable[[Hub, Asker, Said], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """One of them. `strangers`: who decides on an approval may say it even to an agent that is hidden from them."""

    action: Action
    words: str
    answer: Answer
    strangers: bool = False


def parse(body: str) -> Said | None:
    """The command in a message; None for a message to the agent. `/etc/passwd` is none: a name is one word.

    Nor is `/remember ...`: the agent itself keeps what it says, as it does when it is asked in words.
    """
    found = _FORM.fullmatch(body.strip())
    if found is not None and found[1] == REMEMBER and found[2]:
        return None
    return None if found is None else Said(found[1], (found[2] or "").strip())


async def _help(_hub: Hub, _asker: Asker, said: Said) -> str:
    lines = [f"/{name} {command.words}" for name, command in COMMANDS.items()]
    unknown = [] if said.name == "help" else [f"I do not know /{said.name[:32]}."]
    return "\n".join([*unknown, "Commands go to the hub, not to the model, and cost nothing:", *lines])


async def _why(hub: Hub, asker: Asker, _said: Said) -> str:
    return chat_texts.why(await usage.last_decisions(hub.pool, asker.owner, asker.actor.jid, 5))


async def _quota(hub: Hub, asker: Asker, _said: Said) -> str:
    used = await usage.used(hub.pool, asker.owner, asker.agent, asker.actor.jid, hub.clock.now())
    return chat_texts.quota(used, asker.quota, owner=asker.actor.owner == asker.owner)


async def _pending(hub: Hub, asker: Asker, _said: Said) -> str:
    found = await approvals.list_open(hub, asker.actor)
    return found.reason if isinstance(found, Refused) else chat_texts.pending(found)


async def _approve(hub: Hub, asker: Asker, said: Said) -> str:
    return await _decide(hub, asker, said, approves=True)


async def _deny(hub: Hub, asker: Asker, said: Said) -> str:
    return await _decide(hub, asker, said, approves=False)


async def _cancel(_hub: Hub, _asker: Asker, _said: Said) -> str:
    """The orchestrator has stopped what was ahead of this message as soon as it came (orchestrator/hurry.py)."""
    return CANCELLED


async def _decide(hub: Hub, asker: Asker, said: Said, *, approves: bool) -> str:
    if not said.rest:
        return NAME_WANTED
    found = await approvals.find_by_name(hub, asker.actor, said.rest)
    if isinstance(found, Refused):
        return found.reason
    fields = Decide(approval_id=found.id, approves=approves, digest=found.digest)
    decided = await approvals.decide(hub, asker.actor, fields, asker.resubmit)
    return decided.reason if isinstance(decided, Refused) else chat_texts.decided(decided, approves=approves)


async def _memory(hub: Hub, asker: Asker, _said: Said) -> str:
    return await chat_memory.memory(hub, asker.actor, asker.agent)


async def _forget(hub: Hub, asker: Asker, said: Said) -> str:
    return await chat_memory.forget(hub, asker.actor, asker.agent, said.rest)


async def _remember(_hub: Hub, _asker: Asker, _said: Said) -> str:
    return chat_memory.REMEMBER


async def _agents(hub: Hub, asker: Asker, _said: Said) -> str:
    return await chat_lists.agents(hub, asker.actor)


async def _documents(hub: Hub, asker: Asker, _said: Said) -> str:
    return await chat_lists.documents(hub, asker.actor, asker.agent)


UNKNOWN: Final = ChatCommand(Action.CHAT_HELP, "", _help)
COMMANDS: Final[Mapping[str, ChatCommand]] = MappingProxyType(
    {
        "help": ChatCommand(Action.CHAT_HELP, "lists these commands", _help),
        "why": ChatCommand(Action.CHAT_WHY, "tells how the hub decided on what you asked last", _why),
        "quota": ChatCommand(Action.CHAT_QUOTA, "tells what is used and what is left", _quota),
        "pending": ChatCommand(Action.CHAT_APPROVALS, "lists what waits for your approval", _pending, strangers=True),
        "approve": ChatCommand(Action.CHAT_APPROVALS, "NAME lets a call that waits run", _approve, strangers=True),
        CANCEL: ChatCommand(Action.CHAT_CANCEL, "stops what I am working on for you", _cancel),
        "deny": ChatCommand(Action.CHAT_APPROVALS, "NAME stops a call that waits", _deny, strangers=True),
        "memory": ChatCommand(Action.CHAT_MEMORY, "lists what I remember about you", _memory),
        REMEMBER: ChatCommand(Action.CHAT_MEMORY, "WORDS has me remember them, for you alone", _remember),
        "forget": ChatCommand(Action.CHAT_FORGET, "NUMBER, or all, takes away what I remember", _forget),
        "agents": ChatCommand(Action.CHAT_AGENTS, "lists your agents with their addresses", _agents),
        "documents": ChatCommand(Action.CHAT_DOCUMENTS, "lists my documents, to my owner", _documents),
    }
)
"""By name. A name that is not here gets the list."""
