"""Message retraction (XEP-0424): an answer is taken back, and clients that know it show it no more."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.features.quoting import FALLBACK
from component.stanza_xml import COMPONENT, HINTS, SID, add, stanza

RETRACTION: Final = "urn:xmpp:message-retract:1"
WORDS: Final = "This answer was taken back."
"""What clients show that do not know retractions (XEP-0428)."""


def retraction(sender: str, to: str, kind: str, retraction_id: str, answer_id: str) -> Element:
    """Takes back the message of this id, which `sender` has sent to `to`."""
    message = stanza("message", sender, to, kind, retraction_id)
    add(message, RETRACTION, "retract", id=answer_id)
    add(message, FALLBACK, "fallback", **{"for": RETRACTION})
    add(message, COMPONENT, "body", WORDS)
    add(message, SID, "origin-id", id=retraction_id)
    add(message, HINTS, "store")
    return message
