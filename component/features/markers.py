"""Displayed markers (XEP-0333): sent when the work on a message starts, and only to clients that ask for them."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from component.features.receipts import MARKERS
from component.stanza_xml import HINTS, add, child, stanza


def asks_marker(message: Element) -> bool:
    """Whether the sender wants to know that this was read, and gave it an id that can be named."""
    return bool(message.get("id")) and child(message, MARKERS, "markable") is not None


def displayed(sender: str, to: str, message_id: str, kind: str) -> Element:
    """The marker for a message, from the agent that it was sent to. `message_id` is the message's own id."""
    reply = stanza("message", sender, to, "" if kind == "normal" else kind, f"displayed-{message_id}")
    add(reply, MARKERS, "displayed", id=message_id)
    add(reply, HINTS, "store")
    return reply
