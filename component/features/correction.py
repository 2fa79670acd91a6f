"""Last message correction (XEP-0308): a notice that work goes on, which the answer takes the place of.

The notice is for the one client that asked: nobody archives or copies it (XEP-0334, XEP-0280), so that a device that
never saw it has the answer all the same, as a message of its own.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import COMPONENT, HINTS, SID, add, child, stanza

CORRECTION: Final = "urn:xmpp:message-correct:0"
CARBONS: Final = "urn:xmpp:carbons:2"
DISCO: Final = "http://jabber.org/protocol/disco#info"
WORKING: Final = "I am working on it…"


def working_notice(sender: str, to: str, notice_id: str) -> Element:
    """The notice, from the agent's full address to a full one."""
    return _passing(sender, to, notice_id, WORKING)


def taken_back(sender: str, to: str, notice_id: str, sentence: str) -> Element:
    """The notice again with other words: no answer will take its place."""
    message = _passing(sender, to, f"{notice_id}-end", sentence)
    add_replace(message, notice_id)
    return message


def add_replace(message: Element, notice_id: str) -> None:
    """Says that the message stands for the notice of this id."""
    add(message, CORRECTION, "replace", id=notice_id)


def asks_client(sender: str, to: str, query_id: str) -> Element:
    """Asks a client what it can do (XEP-0030)."""
    query = stanza("iq", sender, to, "get", query_id)
    add(query, DISCO, "query")
    return query


def knows_corrections(answer: Element) -> bool:
    """Whether a client says in its answer that it shows corrections as such."""
    found = child(answer, DISCO, "query")
    features = () if found is None else found.findall(f"{{{DISCO}}}feature")
    return answer.get("type") == "result" and any(one.get("var") == CORRECTION for one in features)


def _passing(sender: str, to: str, message_id: str, text: str) -> Element:
    message = stanza("message", sender, to, "chat", message_id)
    add(message, COMPONENT, "body", text)
    add(message, SID, "origin-id", id=message_id)
    add(message, HINTS, "no-store")
    add(message, HINTS, "no-copy")
    add(message, CARBONS, "private")
    return message
