"""Presence of agents (RFC 6121 sections 3 and 4): shown only to those who may see the agent.

Hidden, forbidden and unknown agents are the same silence. Nothing is kept here: the asker's server keeps the roster,
and the policy is asked again at every probe.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid
from component.stanza_xml import stanza

SubscriptionPolicy = Callable[[AgentId, BareJid], Awaitable[bool]]
"""Whether a bare JID may see an agent. Raises when the registry cannot be asked; then nothing is shown."""

RESOURCE: Final = "aiox"
"""The resource under which an agent is available."""

_ASKING: Final = frozenset({"subscribe", "probe"})


def asks_to_see(presence: Element) -> bool:
    """Whether this is a subscription request or a probe, which needs the policy."""
    return presence.get("type", "") in _ASKING


async def answer_presence(presence: Element, may_see: SubscriptionPolicy) -> list[Element]:
    """What to send for a presence stanza; often nothing."""
    try:
        asker, agent = JID(presence.get("from", "")), JID(presence.get("to", ""))
    except InvalidJID:
        return []
    if not asker.local or not agent.local:
        return []
    kind = presence.get("type", "")
    if kind == "unsubscribe":
        return [
            stanza("presence", agent.bare, asker.bare, "unsubscribed"),
            stanza("presence", f"{agent.bare}/{RESOURCE}", asker.bare, "unavailable"),
        ]
    if kind not in _ASKING or not await may_see(agent_id_of(agent.local), BareJid(asker.bare)):
        return []
    to = asker.bare if kind == "subscribe" else str(asker)
    available = stanza("presence", f"{agent.bare}/{RESOURCE}", to)
    return [stanza("presence", agent.bare, asker.bare, "subscribed"), available] if kind == "subscribe" else [available]
