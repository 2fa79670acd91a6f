"""Presence of agents (RFC 6121 sections 3 and 4): shown only to those who may see the agent.

Hidden, forbidden and unknown agents are the same silence. Who may see one is asked again at every probe; the roster is
kept by the contact's own server.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element

from aiox.kernel.jid import bare
from component.features.avatar import add_update
from component.features.caps import add_caps
from component.features.disco import AGENT_VER
from component.features.vcard import DISCLOSURE, ROLE
from component.stanza_xml import COMPONENT, HINTS, SID, add, stanza
from registry.cards import Card

NICK: Final = "http://jabber.org/protocol/nick"
"""User nickname (XEP-0172)."""
RESOURCE: Final = "aiox"
"""The resource under which an agent is available."""


class State(IntEnum):
    """How an agent is, for one contact: what concerns others is not shown."""

    AVAILABLE = 0
    BUSY = 1
    """It has been working on what the contact asked for quite a while."""
    WAITING = 2
    """A call that the contact has a part in waits for approval."""
    SPENT = 3
    """The owner's tokens of the day are used up."""


class _Words(NamedTuple):
    show: str
    status: str


_WORDS: Final = MappingProxyType(
    {
        State.AVAILABLE: _Words("", ROLE),
        State.BUSY: _Words("dnd", f"{ROLE}, busy with your message"),
        State.WAITING: _Words("away", f"{ROLE}, waiting for approval: /pending tells for what"),
        State.SPENT: _Words("xa", f"{ROLE}, quota used up until midnight UTC"),
    }
)


def state_of(card: Card, *, busy: bool) -> State:
    """What to show of an agent; what keeps it from answering comes first."""
    if card.spent:
        return State.SPENT
    if card.waits:
        return State.WAITING
    return State.BUSY if busy else State.AVAILABLE


def available(address: str, to: str, card: Card, state: State, photo: str) -> Element:
    """The agent's presence. `address` is the one it was asked under, `photo` the hash of its picture or empty."""
    words = _WORDS[state]
    presence = stanza("presence", f"{address}/{RESOURCE}", to)
    if words.show:
        add(presence, COMPONENT, "show", words.show)
    add(presence, COMPONENT, "status", words.status)
    add(presence, NICK, "nick", card.name)
    add_caps(presence, AGENT_VER)
    add_update(presence, photo)
    return presence


def unavailable(address: str, to: str) -> Element:
    """The agent is not there any more, for this contact."""
    return stanza("presence", f"{address}/{RESOURCE}", to, "unavailable")


def accepted(address: str, to: str) -> Element:
    """The answer to a subscription request: yes. Behind it go the presence and, to a new contact, the greeting."""
    return stanza("presence", address, to, "subscribed")


def request(address: str, to: str, why: str, name: str = "") -> Element:
    """The agent asks a person to be taken among the contacts, under its name."""
    presence = stanza("presence", address, bare(to), "subscribe")
    add(presence, COMPONENT, "status", why)
    if name:
        add(presence, NICK, "nick", name)
    return presence


def ended(address: str, to: str) -> list[Element]:
    """The answer to the end of a subscription; the same at every address."""
    return [stanza("presence", address, to, "unsubscribed"), unavailable(address, to)]


def greeting(address: str, to: str, card: Card) -> Element:
    """What a new contact reads. Its id is the same each time, so that an archive keeps it once."""
    greeting_id = str(uuid5(NAMESPACE_URL, f"aiox greeting {address} {bare(to)}"))
    message = stanza("message", f"{address}/{RESOURCE}", bare(to), "chat", greeting_id)
    about = f"{card.description.strip()}\n" if card.description.strip() else ""
    add(message, COMPONENT, "body", f"Hello, I am {card.name}.\n{about}{DISCLOSURE}\n/help lists what the hub can do.")
    add(message, SID, "origin-id", id=greeting_id)
    add(message, NICK, "nick", card.name)
    add(message, HINTS, "store")
    return message
