"""A command on its way to who does it, and what comes back: an answer, or a form that is still to be filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

Values = Mapping[str, str]
"""What was given, by field. A text of several lines is one value."""

YES: Final = "yes"
"""The value of a field of kind `boolean` that is ticked; empty when it is not."""


class FieldKind(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    YES_OR_NO = "boolean"
    WORDS = "words"
    """Not filled in: read."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the values of a choice, and what people read for it."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form. `value` is what stands in it at first."""

    name: str
    label: str
    kind: FieldKind = FieldKind.LINE
    value: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandAsked:
    """A command of somebody whom the XMPP server vouches for.

    `name` empty: which commands are there for them. `written`: it was typed, and `words` stand behind its name; else
    it is asked with `values`, and with none of them at first.
    """

    sender: str
    """Full address."""
    address: str
    """Bare address that it was sent to: an agent's, or the hub's own."""
    name: str
    words: str = ""
    values: Values = field(default_factory=dict)
    written: bool = False
    key: str = ""
    """The same for each attempt at the same command; empty: it is a repetition of nothing."""
    proof: str = ""
    """How the sender's domain was proven, as of a message (aiox/kernel/envelope.py)."""


@dataclass(frozen=True, slots=True)
class CommandName:
    """A command that somebody may use, as lists show it."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    """What came of it. With a `form` nothing was done yet; with an `error_code` it was refused, and `text` says why."""

    text: str = ""
    error_code: str = ""
    title: str = ""
    form: tuple[FormField, ...] = ()
    more: bool = False
    """Behind this form may come another one."""
    names: tuple[CommandName, ...] = ()
