"""Message delivery receipts (XEP-0184): sent once a message is durably admitted, and only when asked for."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import HINTS, add, child, stanza

RECEIPTS: Final = "urn:xmpp:receipts"
MARKERS: Final = "urn:xmpp:chat-markers:0"


def asks_receipt(message: Element) -> bool:
    """Whether the sender asks for a receipt and gave the message an id that it could name."""
    return bool(message.get("id")) and child(message, RECEIPTS, "request") is not None


def receipt(message: Element) -> Element:
    """The receipt for a message, from the address that it was sent to."""
    kind = message.get("type", "")
    reply = stanza("message", message.get("to", ""), message.get("from", ""), kind, f"receipt-{message.get('id', '')}")
    add(reply, RECEIPTS, "received", id=message.get("id", ""))
    add(reply, HINTS, "store")
    return reply
