"""Service discovery (XEP-0030). Every local part gets the same description, so that none tells whether it exists."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import local_part
from component.features.acd import ACD
from component.features.chat_states import CHAT_STATES
from component.features.ping import PING
from component.features.receipts import RECEIPTS
from component.features.version import VERSION
from component.stanza_xml import SID, add, child, stanza

INFO: Final = "http://jabber.org/protocol/disco#info"
ITEMS: Final = "http://jabber.org/protocol/disco#items"

_HUB_FEATURES: Final = (INFO, ITEMS, PING, VERSION)
_AGENT_FEATURES: Final = (ACD, CHAT_STATES, INFO, ITEMS, VERSION, PING, RECEIPTS, SID)


def answer_info(query: Element) -> Element | None:
    """The answer to a disco#info query without a node; None for anything else."""
    if not _asks(query, INFO):
        return None
    to_agent = bool(local_part(query.get("to", "")))
    reply = _result(query)
    info = add(reply, INFO, "query")
    if to_agent:
        # Registered category "client", type "bot": clients show that no person writes here.
        add(info, INFO, "identity", category="client", type="bot", name="AIOX agent")
    else:
        add(info, INFO, "identity", category="component", type="generic", name="AIOX")
    for feature in _AGENT_FEATURES if to_agent else _HUB_FEATURES:
        add(info, INFO, "feature", var=feature)
    return reply


def answer_items(query: Element) -> Element | None:
    """The answer to a disco#items query without a node: agents are not listed."""
    if not _asks(query, ITEMS):
        return None
    reply = _result(query)
    add(reply, ITEMS, "query")
    return reply


def _asks(query: Element, namespace: str) -> bool:
    asked = child(query, namespace, "query")
    return query.get("type") == "get" and asked is not None and not asked.get("node")


def _result(query: Element) -> Element:
    return stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
