"""Said to the hub itself, a command about an agent names one of the asker's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiox.commands import list_agents
from aiox.commands.chat_command import AGENT, Asker
from aiox.commands.hub import Hub
from aiox.commands.list_agents import ListAgents
from aiox.kernel.command import FieldKind, FormField, Option, Values
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import bare, local_part
from aiox.kernel.outcome import Refused
from registry.agents import AgentSummary

SHOWN: Final = 200
"""Agents that a form offers."""


@dataclass(frozen=True, slots=True)
class Named:
    """The agent, and what was given beside its name."""

    agent: AgentId
    words: str
    values: Values


@dataclass(frozen=True, slots=True)
class NotNamed:
    """What is still to be said."""

    text: str
    form: tuple[FormField, ...] = ()
    more: bool = False


async def agent_named(hub: Hub, asker: Asker, given: str | Values, command: str) -> Named | NotNamed:
    """The agent that is named first in the words, or in the value `agent`."""
    found = await list_agents.run(hub, asker.actor, ListAgents())
    if isinstance(found, Refused):
        return NotNamed(found.reason)
    if not found:
        return NotNamed("You have no agents. /new NAME makes one.")
    if isinstance(given, str):
        return _in_words(found, given, command)
    chosen = _by(found, given.get(AGENT, ""))
    if chosen is None:
        return NotNamed("", (_field(found),), more=True)
    return Named(chosen.id, "", {name: value for name, value in given.items() if name != AGENT})


def _in_words(found: Sequence[AgentSummary], words: str, command: str) -> Named | NotNamed:
    """A name may be of several words: the longest that fits."""
    parts = words.split(" ")
    for length in range(len(parts), 0, -1):
        chosen = _by(found, " ".join(parts[:length]))
        if chosen is not None:
            return Named(chosen.id, " ".join(parts[length:]).strip(), {})
    example = found[0].alias or found[0].name
    return NotNamed(f"Say which agent first, for instance: /{command} {example}\n/agents lists yours.")


def _by(found: Sequence[AgentSummary], name: str) -> AgentSummary | None:
    """By address, short address or name; a name that two have names none."""
    wanted = bare(name.removeprefix("xmpp:")).strip().casefold()
    if not wanted:
        return None
    for one in found:
        if wanted in (one.jid.casefold(), local_part(one.jid), one.alias.casefold()):
            return one
    named = [one for one in found if one.name.casefold() == wanted]
    return named[0] if len(named) == 1 else None


def _field(found: Sequence[AgentSummary]) -> FormField:
    options = tuple(Option(one.jid, one.name) for one in found[:SHOWN])
    return FormField(AGENT, "Agent", FieldKind.CHOICE, required=True, options=options)
