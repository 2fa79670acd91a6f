"""XMPP ping (XEP-0199): answered for everyone, and sent behind stanzas to learn that the server took them."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import add, child, stanza

PING: Final = "urn:xmpp:ping"


def is_ping(query: Element) -> bool:
    """Whether an iq asks whether we are here."""
    return query.get("type") == "get" and child(query, PING, "ping") is not None


def ping(sender: str, to: str, ping_id: str) -> Element:
    """A ping from the component to the server."""
    query = stanza("iq", sender, to, "get", ping_id)
    add(query, PING, "ping")
    return query
