"""The rule of two: in one turn at most two of untrusted input, private data, outward effect. All three need a person.

Pure. What a turn has read is known by labels (aiox.kernel.tools.Taint); who asks and what it calls, by facts. A model
may do whatever it has read: its good sense is no part of this.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from aiox.kernel.canonical import Json
from aiox.kernel.tools import Taint, Terms, ToolDescription

RULE_OF_TWO: Final = "T8 rule-of-two"
_TOOL: Final = "tool:"
_UNTRUSTED: Final = frozenset({Taint.DOCUMENT, Taint.HISTORY, Taint.PEER})
"""Documents are written by anybody. History may repeat what a page or document said, unless it is known to be clean.
What another agent says may rest on anything that it has read.
"""
_PRIVATE: Final = frozenset({Taint.DOCUMENT, Taint.MEMORY, Taint.HISTORY, Taint.PEER})


@dataclass(frozen=True, slots=True)
class Exposure:
    """What stands before the model, and what the call would do."""

    untrusted: bool
    private: bool
    outward: bool

    @property
    def needs_a_person(self) -> bool:
        """All three."""
        return self.untrusted and self.private and self.outward


def exposure(
    labels: Collection[str],
    known: Mapping[str, ToolDescription],
    described: ToolDescription,
    *,
    asker_is_owner: bool,
    clean_history: bool,
) -> Exposure:
    """Of one call. A label or tool that is not known counts as untrusted and private."""
    read = [known.get(label.removeprefix(_TOOL)) for label in labels if label.startswith(_TOOL)]
    plain = {label for label in labels if not label.startswith(_TOOL)}
    strange = bool(plain - set(Taint)) or None in read
    doubtful = plain & (_UNTRUSTED - {Taint.HISTORY} if clean_history else _UNTRUSTED)
    return Exposure(
        untrusted=strange or not asker_is_owner or bool(doubtful) or any(one.untrusted for one in read if one),
        private=strange or bool(plain & _PRIVATE) or any(one.private for one in read if one),
        outward=described.outward,
    )


def reaches_only(arguments: Mapping[str, Json], terms: Terms) -> bool:
    """Whether all recipients of a message stand on the owner's list."""
    to = arguments.get("to")
    named = [to] if isinstance(to, str) else to if isinstance(to, list) else []
    return bool(named) and all(isinstance(one, str) and one.lower() in terms.allowed_recipients for one in named)
