"""The commands of a chat: for the hub, never for a model, at no cost. Each is declared here, for all its faces."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiox.commands import (
    approvals,
    chat_choices,
    chat_edit,
    chat_lists,
    chat_memory,
    chat_new,
    chat_texts,
    chat_versions,
    list_sources,
)
from aiox.commands.approvals import Decide
from aiox.commands.chat_command import REMEMBER, WORDS, Asker, ChatCommand
from aiox.commands.hub import Hub
from aiox.kernel.actions import Action
from aiox.kernel.command import FieldKind, FormField, Option, Values
from aiox.kernel.outcome import Refused
from policy.access import PROFILES
from registry import documents, sources, usage

CANCEL: Final = "cancel"
RESET: Final = "reset"
CANCELLED: Final = "Nothing that you asked here before is under way any more."
NAME_WANTED: Final = "Say which: /pending lists what waits, each with its name."
UNKNOWN_NAME: Final = "unknown"
"""The value that names what was written, in the answer to a command that is not known."""
_HEAD: Final = "Commands go to the hub, not to the model, and cost nothing:"
_NAMED: Final = "Here an agent is named first: its name, short address or address. Said to the agent, it need not be."


async def _help(_hub: Hub, asker: Asker, values: Values) -> str:
    known = usable(asker)
    lines = [f"/{name} {'AGENT ' if asker.at_hub and one.of_agent else ''}{one.words}" for name, one in known.items()]
    unknown = [f"I do not know /{values[UNKNOWN_NAME][:32]}."] if values.get(UNKNOWN_NAME) else []
    named = [_NAMED] if asker.at_hub and any(one.of_agent for one in known.values()) else []
    return "\n".join([*unknown, _HEAD, *lines, *named])


async def _why(hub: Hub, asker: Asker, _values: Values) -> str:
    decided = chat_texts.why(await usage.last_decisions(hub.pool, asker.owner, asker.actor.jid, 5))
    if asker.at_hub:
        return decided
    rested = await sources.of_turn(hub.pool, asker.agent, asker.actor.jid)
    return f"{list_sources.words(rested)}\n{decided}"


async def _quota(hub: Hub, asker: Asker, _values: Values) -> str:
    used = await usage.used(hub.pool, asker.owner, asker.agent, asker.actor.jid, hub.clock.now())
    return chat_texts.quota(used, asker.quota, owner=asker.actor.owner == asker.owner, at_hub=asker.at_hub)


async def _pending(hub: Hub, asker: Asker, _values: Values) -> str:
    found = await approvals.list_open(hub, asker.actor)
    return found.reason if isinstance(found, Refused) else chat_texts.pending(found)


async def _approve(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    return await _decide(hub, asker, values.get(WORDS, ""), approves=True)


async def _deny(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    return await _decide(hub, asker, values.get(WORDS, ""), approves=False)


async def _cancel(_hub: Hub, _asker: Asker, _values: Values) -> str:
    """The orchestrator has stopped what was ahead of this message as soon as it came (orchestrator/hurry.py)."""
    return CANCELLED


async def _decide(hub: Hub, asker: Asker, name: str, *, approves: bool) -> str | Refused:
    if not name:
        return NAME_WANTED
    found = await approvals.find_by_name(hub, asker.actor, name)
    if isinstance(found, Refused):
        return found
    fields = Decide(approval_id=found.id, approves=approves, digest=found.digest)
    decided = await approvals.decide(hub, asker.actor, fields, asker.resubmit)
    return decided if isinstance(decided, Refused) else chat_texts.decided(decided, approves=approves)


async def _waiting_form(hub: Hub, asker: Asker, values: Values) -> tuple[FormField, ...]:
    """Which of the approvals that wait for the asker; shown whole, as they are rendered from the call."""
    found = () if values.get(WORDS) else await approvals.list_open(hub, asker.actor)
    if isinstance(found, Refused):
        return ()
    mine = [one for one in found if one.mine_to_decide]
    if not mine:
        return ()
    shown = [FormField(f"shown-{one.name}", "", FieldKind.WORDS, one.text) for one in mine]
    options = tuple(Option(one.name, f"{one.shown.tool} ({one.name})") for one in mine)
    return (*shown, FormField(WORDS, "Which", FieldKind.CHOICE, required=True, options=options))


async def _memory(hub: Hub, asker: Asker, values: Values) -> str:
    """What is remembered about who asks, each entry with its source; to the owner also the agent's documents."""
    told = await chat_memory.memory(hub, asker.actor, asker.agent, values.get(WORDS, ""))
    if values.get(WORDS) or asker.actor.owner != asker.owner:
        return told
    found = await documents.list_of_agent(hub.pool, asker.owner, asker.agent)
    return f"{told}\n\n{chat_memory.known(found)}" if found else told


async def _forget(hub: Hub, asker: Asker, values: Values) -> str:
    return await chat_memory.forget(hub, asker.actor, asker.agent, values.get(WORDS, ""))


async def _forget_form(hub: Hub, asker: Asker, values: Values) -> tuple[FormField, ...]:
    return () if values.get(WORDS) else await chat_memory.form(hub, asker.actor, asker.agent)


async def _remember(_hub: Hub, _asker: Asker, _values: Values) -> str:
    return chat_memory.REMEMBER


async def _agents(hub: Hub, asker: Asker, _values: Values) -> str:
    return await chat_lists.agents(hub, asker.actor)


async def _documents(hub: Hub, asker: Asker, _values: Values) -> str:
    return await chat_lists.documents(hub, asker.actor, asker.agent)


UNKNOWN: Final = ChatCommand(Action.CHAT_HELP, "", _help)
COMMANDS: Final[Mapping[str, ChatCommand]] = MappingProxyType(
    {
        "help": ChatCommand(Action.CHAT_HELP, "lists these commands", _help, "Help"),
        "agents": ChatCommand(Action.CHAT_AGENTS, "lists your agents with their addresses", _agents, "My agents"),
        "new": ChatCommand(
            Action.CHAT_NEW,
            "NAME makes an agent; instructions may stand on the lines below",
            chat_new.answer,
            "New agent",
            account=True,
            desk=True,
            read=chat_new.read,
            form=chat_new.form,
        ),
        "edit": ChatCommand(
            Action.CHAT_EDIT,
            "FIELD WORDS changes the draft",
            chat_edit.answer,
            "Edit",
            of_agent=True,
            desk=True,
            read=chat_edit.read,
            form=chat_edit.form,
        ),
        "publish": ChatCommand(
            Action.CHAT_PUBLISH,
            "makes the draft active",
            chat_versions.publish,
            "Publish the draft",
            of_agent=True,
            desk=True,
        ),
        "rollback": ChatCommand(
            Action.CHAT_ROLLBACK,
            "NUMBER goes back to a version",
            chat_versions.rollback,
            "Go back to a version",
            of_agent=True,
            desk=True,
            form=chat_versions.rollback_form,
        ),
        "delete": ChatCommand(
            Action.CHAT_DELETE,
            "deletes the agent, after a question",
            chat_versions.delete,
            "Delete",
            of_agent=True,
            desk=True,
            form=chat_versions.delete_form,
        ),
        "quota": ChatCommand(Action.CHAT_QUOTA, "tells what is used and what is left", _quota, "Quota"),
        "why": ChatCommand(
            Action.CHAT_WHY, "tells what the last answer rested on, and how the hub decided", _why, "Why"
        ),
        "memory": ChatCommand(
            Action.CHAT_MEMORY,
            "lists what is remembered about you; NUMBER WORDS puts an entry right",
            _memory,
            "Memory",
            of_agent=True,
        ),
        REMEMBER: ChatCommand(
            Action.CHAT_MEMORY, "WORDS has me remember them, for you alone", _remember, of_agent=True, agents_only=True
        ),
        "forget": ChatCommand(
            Action.CHAT_FORGET,
            "NUMBER, or all, takes away what is remembered",
            _forget,
            "Forget",
            of_agent=True,
            form=_forget_form,
        ),
        "documents": ChatCommand(
            Action.CHAT_DOCUMENTS, "lists the agent's documents, to its owner", _documents, "Documents", of_agent=True
        ),
        "pending": ChatCommand(
            Action.CHAT_APPROVALS, "lists what waits for your approval", _pending, "Approvals that wait", strangers=True
        ),
        "approve": ChatCommand(
            Action.CHAT_APPROVALS,
            "NAME lets a call that waits run",
            _approve,
            "Approve",
            strangers=True,
            form=_waiting_form,
        ),
        "deny": ChatCommand(
            Action.CHAT_APPROVALS, "NAME stops a call that waits", _deny, "Deny", strangers=True, form=_waiting_form
        ),
        "preferences": ChatCommand(
            Action.CHAT_PREFERENCES,
            "tells and sets how you are answered",
            chat_choices.set_preferences,
            "Preferences",
            account=True,
            desk=True,
            read=chat_choices.read,
            form=chat_choices.preferences_form,
        ),
        "mute": ChatCommand(
            Action.CHAT_MUTE,
            "TIME keeps what you have not asked for away, as 8h or off",
            chat_choices.mute,
            "Mute",
            of_agent=True,
            form=chat_choices.mute_form,
        ),
        CANCEL: ChatCommand(
            Action.CHAT_CANCEL,
            "stops what is being worked on for you",
            _cancel,
            "Cancel",
            of_agent=True,
            lane=True,
        ),
        RESET: ChatCommand(
            Action.CHAT_RESET,
            "begins the conversation anew",
            chat_choices.reset,
            "Begin anew",
            of_agent=True,
            lane=True,
        ),
    }
)
"""By name. A name that is not here gets the list."""


def usable(asker: Asker) -> Mapping[str, ChatCommand]:
    """The commands that lists show to somebody: those that the profile of their relation allows, and an account where
    one is needed. Whether one may be used is judged when it is.
    """
    return {
        name: one
        for name, one in COMMANDS.items()
        if asker.relation in PROFILES[one.action]
        and not (one.account and asker.guest)
        and not (one.agents_only and asker.at_hub)
    }
