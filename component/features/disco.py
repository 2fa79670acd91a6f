"""Service discovery (XEP-0030): of the hub, and of agents.

Every local part gets the same description, so that none tells whether it exists. Who may see the agent gets its name
and the endpoint form (XEP-0128) of the draft "XMPP Agent Gateway" in place of it.
"""

from __future__ import annotations

import base64
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import local_part
from component.features.acd import ACD
from component.features.avatar import AVATAR_DATA, AVATAR_METADATA, PUBSUB
from component.features.caps import CAPS, NODE, verification
from component.features.chat_states import CHAT_STATES
from component.features.forms import FORMS, add_field, add_form
from component.features.ping import PING
from component.features.receipts import MARKERS, RECEIPTS
from component.features.vcard import VCARD, VCARD4
from component.features.version import VERSION
from component.stanza_xml import COMPONENT, SID, STANZAS, add, child, stanza
from registry.cards import Card

INFO: Final = "http://jabber.org/protocol/disco#info"
ITEMS: Final = "http://jabber.org/protocol/disco#items"
DIRECTORY: Final = "urn:xmpp:agent-directory:0"
ENDPOINT: Final = "urn:xmpp:agent-endpoint:0"
ENDPOINT_INFO: Final = "urn:xmpp:agent-endpoint-info:0"
SEARCH: Final = "jabber:iq:search"
REPLAY_SECONDS: Final = 7 * 24 * 3600
"""A message that comes again within this time is recognised (SPEC 4)."""

COMMANDS: Final = "http://jabber.org/protocol/commands"

_HUB_FEATURES: Final = (INFO, ITEMS, PING, VERSION, SEARCH, FORMS, DIRECTORY, COMMANDS)
AGENT_FEATURES: Final = (
    *(
        ACD,
        AVATAR_DATA,
        AVATAR_METADATA,
        CAPS,
        CHAT_STATES,
        COMMANDS,
        INFO,
        ITEMS,
        ENDPOINT,
        MARKERS,
        PUBSUB,
        VERSION,
        PING,
    ),
    *(RECEIPTS, SID, VCARD, VCARD4),
)
AGENT_NAME: Final = "AIOX agent"
AGENT_VER: Final = verification("client", "bot", AGENT_NAME, AGENT_FEATURES)
"""The capabilities that all agents have."""


def asks(query: Element, namespace: str) -> bool:
    """Whether this is a discovery query of one kind."""
    return query.get("type") == "get" and child(query, namespace, "query") is not None


def node_of(query: Element, namespace: str) -> str:
    """The node that a query asks for; empty when it names none."""
    asked = child(query, namespace, "query")
    return "" if asked is None else asked.get("node", "")


def asks_about_agent(query: Element) -> bool:
    """Whether this asks an agent's address, without a node, what it is: the answer depends on who asks."""
    return asks(query, INFO) and bool(local_part(query.get("to", ""))) and not node_of(query, INFO)


def asks_directory(query: Element) -> bool:
    """Whether this asks the hub which agents there are."""
    to_hub = not local_part(query.get("to", ""))
    return to_hub and asks(query, ITEMS) and node_of(query, ITEMS) in ("", DIRECTORY)


def answer_info(query: Element) -> Element | None:
    """The answer to a disco#info query that is the same for everybody; None for anything else."""
    if not asks(query, INFO) or asks_about_agent(query):
        return None
    node, to_agent = node_of(query, INFO), bool(local_part(query.get("to", "")))
    if to_agent:
        return agent_info(query, None) if node == f"{NODE}#{AGENT_VER}" else _not_found(query)
    if node not in ("", DIRECTORY):
        return _not_found(query)
    reply, info = _info(query)
    kind = "agent-directory" if node else "agent-gateway"
    add(info, INFO, "identity", category="automation", type=kind, name="AIOX")
    if not node:
        add(info, INFO, "identity", category="component", type="generic", name="AIOX")
    for feature in (INFO, ITEMS) if node else _HUB_FEATURES:
        add(info, INFO, "feature", var=feature)
    return reply


def agent_info(query: Element, card: Card | None) -> Element:
    """What an agent says of itself; without a card, what every address says."""
    reply, info = _info(query)
    name = AGENT_NAME if card is None else card.name
    # Registered category "client", type "bot": clients show that no person writes here.
    add(info, INFO, "identity", category="client", type="bot", name=name)
    if card is not None:
        add(info, INFO, "identity", category="automation", type="agent-endpoint", name=name)
    for feature in AGENT_FEATURES:
        add(info, INFO, "feature", var=feature)
    if card is not None:
        _add_endpoint(info, card)
    return reply


def answer_items(query: Element) -> Element | None:
    """The answer to a disco#items query at an agent: it has none."""
    if not asks(query, ITEMS) or asks_directory(query):
        return None
    if node_of(query, ITEMS):
        return _not_found(query)
    reply = _result(query)
    add(reply, ITEMS, "query")
    return reply


def _add_endpoint(info: Element, card: Card) -> None:
    form = add_form(info, "result", ENDPOINT_INFO)
    add_field(form, "server_name", local_part(card.jid))
    add_field(form, "server_title", card.name)
    if card.description:
        add_field(form, "description", *card.description.splitlines())
    add_field(form, "version", str(card.version))
    add_field(form, "manifest_hash_algo", "sha-256")
    add_field(form, "manifest_hash_value", base64.b64encode(bytes.fromhex(card.digest)).decode())
    add_field(form, "cold_start_supported", "1")
    add_field(form, "request_replay_seconds", str(REPLAY_SECONDS))


def _info(query: Element) -> tuple[Element, Element]:
    reply, node = _result(query), node_of(query, INFO)
    return reply, add(reply, INFO, "query", **({"node": node} if node else {}))


def _not_found(query: Element) -> Element:
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "error", query.get("id", ""))
    add(add(reply, COMPONENT, "error", type="cancel"), STANZAS, "item-not-found")
    return reply


def _result(query: Element) -> Element:
    return stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
