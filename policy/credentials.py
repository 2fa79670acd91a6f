"""Which credential a provider is asked with: the owner's own, the organisation's, the hub's, in this order (SPEC 5).

Each level says `custom` (its own), `global` (whatever the level above has, the same as saying nothing) or `disabled`
(this provider is not to be used). Models may be limited by the hub's list, whoever pays for them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final


class Level(StrEnum):
    """Who a credential belongs to, nearest first."""

    OWNER = "owner"
    ORGANISATION = "organisation"
    HUB = "hub"


class Kind(StrEnum):
    """What a credential is for."""

    LLM = "llm"
    SMTP = "smtp"
    SEARCH = "search"
    DATABASE = "database"
    MCP = "mcp"
    """Of an MCP server, by the name that an agent gives."""


class Mode(StrEnum):
    """What a level says about a provider."""

    CUSTOM = "custom"
    GLOBAL = "global"
    DISABLED = "disabled"


class Status(StrEnum):
    """What the last test of a credential found."""

    UNTESTED = "untested"
    VALID = "valid"
    INVALID = "invalid"
    EXPIRED = "expired"


REFUSED: Final = frozenset({Status.INVALID, Status.EXPIRED})
"""A credential that is known not to work is not shown to its provider again until a test says otherwise."""
_ORDER: Final = (Level.OWNER, Level.ORGANISATION, Level.HUB)


@dataclass(frozen=True, slots=True)
class Said:
    """What one level says."""

    level: Level
    mode: Mode
    status: Status = Status.UNTESTED


class Why(StrEnum):
    """Why there is no credential."""

    MISSING = "missing"
    DISABLED = "disabled"
    REFUSED = "refused"


def choose(said: Sequence[Said]) -> Said | Why:
    """The nearest level with a credential of its own, unless a nearer one forbids the provider, or it is refused.

    Several may speak on a level, the organisations of one person: any no is no, else the first that says something.
    """
    for level in _ORDER:
        here = [one for one in said if one.level is level and one.mode is not Mode.GLOBAL]
        if any(one.mode is Mode.DISABLED for one in here):
            return Why.DISABLED
        if here:
            return Why.REFUSED if here[0].status in REFUSED else here[0]
    return Why.MISSING


def is_allowed(provider: str, model: str, patterns: Sequence[str]) -> bool:
    """Whether the hub's list has this model: `provider/model`, with `*` for any text. An empty list has none."""
    return any(fnmatchcase(f"{provider}/{model}", pattern) for pattern in patterns)
