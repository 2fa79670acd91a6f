"""What a command of a chat is: its action, its words, what it asks for and what it does. Declared once for all faces.

Text (`/publish`), forms (XEP-0050) and the lists of both are made from these declarations.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.command import FormField, Values
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.outcome import Refused
from policy.access import Relation
from registry.turns import QuotaConfig

_FORM: Final = re.compile(r"/([a-z]{1,32})(?:\s+(\S.*))?", re.DOTALL)
REMEMBER: Final = "remember"
WORDS: Final = "words"
"""The value of what stands behind a command that takes one thing."""
AGENT: Final = "agent"
"""The value that names an agent, where the command is not said to one."""
NO_AGENT: Final = AgentId(UUID(int=0))
"""Stands for the agent of a command that is said to the hub itself."""


@dataclass(frozen=True, slots=True)
class Said:
    """A command as it was written."""

    name: str
    rest: str


@dataclass(frozen=True, slots=True)
class Asker:
    """Who says it to which agent. `quota` is the owner's account's; None for somebody who may not talk to the agent.

    Said to the hub itself, `agent` is the one that was named, or NO_AGENT, and `owner` the asker's own account.
    """

    actor: Actor
    agent: AgentId
    owner: OwnerId
    quota: QuotaConfig | None
    resubmit: Resubmit
    relation: Relation = Relation.NONE
    guest: bool = False
    """Without an account on this hub."""

    @property
    def at_hub(self) -> bool:
        """Whether no agent is meant."""
        return self.agent == NO_AGENT


Answer = Callable[[Hub, Asker, Values], Awaitable[str | Refused]]
Form = Callable[[Hub, Asker, Values], Awaitable[tuple[FormField, ...]]]
"""What is still to be filled in after what was given; nothing: the command may be done."""
Read = Callable[[str], Values]
"""The values in the words behind a command's name."""


def whole(words: str) -> Values:
    """Reads the words as one value."""
    return {WORDS: words} if words else {}


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """One of them. `words` and `title` are what lists show as text and as a form."""

    action: Action
    words: str
    answer: Answer
    title: str = ""
    strangers: bool = False
    """Who decides on an approval may say it even to an agent that is hidden from them."""
    of_agent: bool = False
    """It is about an agent: said to the hub itself, it names one of the asker's own."""
    agents_only: bool = False
    """It is said to an agent, never to the hub itself."""
    account: bool = False
    """Only who has an account on this hub may say it."""
    desk: bool = False
    """It changes what the orchestrator may not change: the gateway does it."""
    lane: bool = False
    """It has its place among the messages of its conversation: asked by form it is put there."""
    read: Read = whole
    form: Form | None = None


def parse(body: str) -> Said | None:
    """The command in a message; None for a message to the agent. `/etc/passwd` is none: a name is one word.

    Nor is `/remember ...`: the agent itself keeps what it says, as it does when it is asked in words.
    """
    found = _FORM.fullmatch(body.strip())
    if found is not None and found[1] == REMEMBER and found[2]:
        return None
    return None if found is None else Said(found[1], (found[2] or "").strip())
