"""What goes along when an agent asks an agent of another hub: who has asked whom, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

MOST_ASKERS: Final = 16
LONGEST_MS: Final = 600_000
PREFIX: Final = "ask-"
"""Of the id of a stanza that asks."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of one agent to another, beside its text."""

    call: UUID
    """The tool call that asks: both hubs have it on record."""
    correlation: UUID
    """Of the message that it began with, on the hub that asks."""
    chain: tuple[UUID, ...]
    """The agents that have asked one another, by the ids in their addresses; the last one asks."""
    timeout_ms: int
    """How long an answer is waited for."""

    @property
    def stanza_id(self) -> str:
        """The id of the stanza that asks; the answer names it."""
        return f"{PREFIX}{self.call}"
