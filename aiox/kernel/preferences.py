"""How a person wants to be answered: what they set themselves, never what was guessed (SPEC 5).

Every value is one of a list, or a language tag. They hold with every agent that the person talks to, also somebody
else's; so nothing that a person writes freely may reach an agent's instructions this way.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Tone(StrEnum):
    """How answers sound. Empty: as the agent is."""

    UNSET = ""
    NEUTRAL = "neutral"
    FRIENDLY = "friendly"
    FORMAL = "formal"
    DIRECT = "direct"


class Format(StrEnum):
    """How answers are laid out. Empty: as the agent likes."""

    UNSET = ""
    BRIEF = "brief"
    DETAILED = "detailed"
    BULLETS = "bullets"
    STEPS = "steps"


Language = Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})?$", max_length=30)]
"""A language tag (BCP 47) such as `en` or `pt-BR`. Empty: the language of the question."""


class Preferences(BaseModel):
    """What a person prefers. Everything empty: nothing was set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tone: Tone = Field(Tone.UNSET, description="how answers sound")
    format: Format = Field(Format.UNSET, description="how answers are laid out")
    language: Language = Field("", description="language tag (BCP 47), such as pt-BR")


NONE_SET = Preferences()
"""Of a person who has set nothing."""
