"""Privileged entity (XEP-0356): our own server may let the hub put agents into rosters of its users, unasked."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import add, child, stanza

PRIVILEGES: Final = ("urn:xmpp:privilege:2", "urn:xmpp:privilege:1")
"""Servers of these years say one or the other, or both."""
ROSTER: Final = "jabber:iq:roster"
GROUP: Final = "AI agents"
_WRITES: Final = frozenset({"set", "both"})


def tells_privileges(message: Element) -> bool:
    """Whether this message says what we may. Anybody can write one; it counts from our own server only."""
    return any(child(message, namespace, "privilege") is not None for namespace in PRIVILEGES)


def may_write_rosters(message: Element) -> bool:
    """Whether it says that rosters may be written."""
    found = (child(message, namespace, "privilege") for namespace in PRIVILEGES)
    perms = [perm for told in found if told is not None for perm in told]
    return any(perm.get("access") == "roster" and perm.get("type") in _WRITES for perm in perms)


def roster_entry(hub: str, owner: str, agent: str, name: str, query_id: str) -> Element:
    """Puts an agent among an account's contacts, each seeing the other. `owner` and `agent` are bare."""
    query = stanza("iq", hub, owner, "set", query_id)
    item = add(add(query, ROSTER, "query"), ROSTER, "item", jid=agent, name=name, subscription="both")
    add(item, ROSTER, "group", GROUP)
    return query
