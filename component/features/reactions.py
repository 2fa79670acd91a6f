"""Message reactions (XEP-0444): what somebody thinks of an answer."""

from __future__ import annotations

from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from component.stanza_xml import child

REACTIONS: Final = "urn:xmpp:reactions:0"
MOST: Final = 16
"""Emojis that are looked at; a client sends one or two."""
LONGEST: Final = 32
"""Characters of one emoji; families with skin colours have about a dozen."""


class Reactions(NamedTuple):
    """All that somebody thinks of one message; empty when they took it back."""

    about: str
    emojis: tuple[str, ...]


def reactions_of(message: Element) -> Reactions | None:
    """The reactions in a message; None when it is none. They replace those that were sent before."""
    found = child(message, REACTIONS, "reactions")
    about = "" if found is None else found.get("id", "")
    if found is None or not about or len(about) > 1024:
        return None
    texts = [(one.text or "").strip() for one in found.findall(f"{{{REACTIONS}}}reaction")[:MOST]]
    return Reactions(about, tuple(text for text in texts if text and len(text) <= LONGEST))
