"""The Agent Capability Descriptor over XMPP (docs/rfc-aiox.md): canonical JSON with its hash (XEP-0300)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.acd import Descriptor
from aiox.kernel.canonical import canonical
from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid, local_part
from component.stanza_xml import COMPONENT, STANZAS, add, child, stanza

ACD: Final = "urn:aiox:acd:0"
HASHES: Final = "urn:xmpp:hashes:2"

FindDescriptor = Callable[[AgentId, BareJid], Awaitable[Descriptor | None]]
"""The descriptor of an agent for a bare JID that may talk to it, else None. Raises when nobody can be asked."""


def asks_descriptor(query: Element) -> bool:
    """Whether this iq asks an agent's address for its descriptor."""
    return query.get("type") == "get" and bool(local_part(query.get("to", ""))) and child(query, ACD, "acd") is not None


async def answer_acd(query: Element, find: FindDescriptor) -> Element | None:
    """The descriptor, or item-not-found, the same for hidden, deleted and unknown agents; None for one from nowhere."""
    try:
        asker, agent = JID(query.get("from", "")), JID(query.get("to", ""))
    except InvalidJID:
        return None
    if not asker.domain:
        return None
    found = await find(agent_id_of(agent.local), BareJid(asker.bare)) if asker.local else None
    if found is None:
        return acd_error(query, "cancel", "item-not-found")
    text = canonical(found.model_dump(mode="json"))
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    acd = add(reply, ACD, "acd", version=str(found.version))
    add(acd, HASHES, "hash", base64.b64encode(hashlib.sha256(text).digest()).decode(), algo="sha-256")
    add(acd, ACD, "json", text.decode())
    return reply


def acd_error(query: Element, kind: str, condition: str) -> Element:
    """An error of this kind for a request (RFC 6120 section 8.3)."""
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "error", query.get("id", ""))
    add(add(reply, COMPONENT, "error", type=kind), STANZAS, condition)
    return reply
