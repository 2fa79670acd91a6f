"""What an owner is told when a limit is nearly or wholly used up (SPEC 6). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policy.storage import MIB

NEAR: Final = 80
FULL: Final = 100


class Budget(StrEnum):
    """What a limit counts: tokens of a day (UTC), or what is stored."""

    TOKENS = "tokens"
    MEMORY = "memory"


class Whose(StrEnum):
    """Whose limit it is."""

    AGENT = "agent"
    ACCOUNT = "account"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Crossed:
    """A limit that has come to a level, NEAR or FULL per cent. Tokens, or bytes."""

    budget: Budget
    used: int
    allowed: int
    level: int
    whose: Whose

    @property
    def code(self) -> str:
        """For machines: `near` or `full`."""
        return "full" if self.level >= FULL else "near"


def sentence(crossed: Crossed) -> str:
    """For a person: which limit, how much is used, what happens now, and what would help."""
    whose = _WHOSE[crossed.whose]
    if crossed.budget is Budget.TOKENS:
        used = f"{crossed.used} of {crossed.allowed} tokens of today"
        then = "Nothing is answered until midnight (UTC)." if crossed.level >= FULL else "It resets at midnight (UTC)."
        return f"{whose} has used {used}. {then} Limit: {_name(crossed)}."
    used = f"{crossed.used / MIB:.1f} of {crossed.allowed // MIB} MiB of memory"
    then = (
        "Nothing more is stored; answering goes on." if crossed.level >= FULL else "When it is full, nothing is stored."
    )
    return f"{whose} has used {used}. {then} Delete documents, or raise max_memory_mb."


_WHOSE: Final = {
    Whose.AGENT: "This agent",
    Whose.ACCOUNT: "Your account",
    Whose.ORGANISATION: "The organisation that you rule",
}


def _name(crossed: Crossed) -> str:
    limit = "max_tokens_per_day" if crossed.whose is Whose.AGENT else "tokens_per_day"
    return f"{limit} of the {crossed.whose}"
