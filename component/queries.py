"""Answers to iq stanzas: what the features know, else service-unavailable (RFC 6120 section 8.4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from component.features.disco import answer_info, answer_items
from component.features.ping import is_ping
from component.features.version import answer_version
from component.stanza_xml import COMPONENT, STANZAS, add, stanza


def answer_query(query: Element) -> Element | None:
    """The reply to an iq of type get or set; None for results and errors, which are never answered."""
    if query.get("type") not in ("get", "set") or not query.get("from"):
        return None
    if is_ping(query):
        return stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    for answer in (answer_info, answer_items, answer_version):
        if (reply := answer(query)) is not None:
            return reply
    return _unavailable(query)


def _unavailable(query: Element) -> Element:
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "error", query.get("id", ""))
    error = add(reply, COMPONENT, "error", type="cancel")
    add(error, STANZAS, "service-unavailable")
    return reply
