"""Quick responses (XEP-0439): a client may offer yes and no to an approval as buttons, which send the commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import add

QUICK: Final = "urn:xmpp:tmp:quick-response"
LANG: Final = "xml:lang"
MOST: Final = 3
"""Approvals that one message offers buttons for; for more there are the commands in its text."""


def add_responses(message: Element, approvals: Sequence[str]) -> None:
    """Offers to approve or deny each of these, by name: with the tool's call in sight, in the text of the message."""
    for name in approvals[:MOST]:
        for word in ("approve", "deny"):
            label = f"{word.capitalize()} {name}"
            add(message, QUICK, "response", **{"value": f"/{word} {name}", "label": label, LANG: "en"})
