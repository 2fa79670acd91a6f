"""Multi-user chat (XEP-0045): how an agent comes, goes, sees that it is there (XEP-0410), and is meant."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from component.features.caps import NODE, add_caps
from component.features.ping import PING
from component.features.quoting import REPLY
from component.stanza_xml import COMPONENT, STANZAS, add, child, stanza

MUC: Final = "http://jabber.org/protocol/muc"
MUC_USER: Final = "http://jabber.org/protocol/muc#user"
DIRECT: Final = "jabber:x:conference"
REFERENCE: Final = "urn:xmpp:reference:0"
DELAY: Final = "urn:xmpp:delay"
CAPS: Final = "http://jabber.org/protocol/caps"
SID: Final = "urn:xmpp:sid:0"
SELF: Final = "110"
KICKED: Final = "307"
BANNED: Final = "301"
NEW_NICK: Final = "303"
_BEHIND: Final = re.compile(r"[\s,:;.!?…-]")


class Invitation(NamedTuple):
    """`inviter` as the room says it, where the room hands it on; else who sent it."""

    room: str
    inviter: str
    mediated: bool


def invitation_of(message: Element) -> Invitation | None:
    """The invitation in a message: by the room (section 7.8.2), or straight from a person (XEP-0249)."""
    user = child(message, MUC_USER, "x")
    asked = None if user is None else child(user, MUC_USER, "invite")
    if asked is not None:
        return Invitation(message.get("from", "").partition("/")[0], asked.get("from", ""), mediated=True)
    direct = child(message, DIRECT, "x")
    if direct is None or not direct.get("jid"):
        return None
    return Invitation(direct.get("jid", "").partition("/")[0], message.get("from", ""), mediated=False)


def join(sender: str, room: str, nick: str, ver: str) -> Element:
    """Comes in, without what was said before."""
    presence = stanza("presence", sender, f"{room}/{nick}")
    add(add(presence, MUC, "x"), MUC, "history", maxstanzas="0")
    add_caps(presence, ver)
    return presence


def leave(sender: str, room: str, nick: str) -> Element:
    """Goes."""
    return stanza("presence", sender, f"{room}/{nick}", "unavailable")


def self_ping(sender: str, room: str, nick: str, ping_id: str) -> Element:
    """Asks the room whether it is still there (XEP-0410)."""
    query = stanza("iq", sender, f"{room}/{nick}", "get", ping_id)
    add(query, PING, "ping")
    return query


def is_there(answer: Element) -> bool | None:
    """What the answer to `self_ping` says (XEP-0410, section 3): there, not there, or nothing."""
    if answer.get("type") == "result":
        return True
    condition = condition_of(answer)
    if condition in ("service-unavailable", "feature-not-implemented", "item-not-found"):
        return True
    return None if condition in ("remote-server-not-found", "remote-server-timeout") else False


def condition_of(element: Element) -> str:
    """The defined condition of an error (RFC 6120, section 8.3); empty for none."""
    error = child(element, COMPONENT, "error")
    found = () if error is None else [one.tag for one in error if one.tag.startswith(f"{{{STANZAS}}}")]
    return next((tag.rpartition("}")[2] for tag in found if not tag.endswith("}text")), "")


def codes_of(presence: Element) -> frozenset[str]:
    """The status codes that a room puts into a presence."""
    user = child(presence, MUC_USER, "x")
    found = () if user is None else user.findall(f"{{{MUC_USER}}}status")
    return frozenset(one.get("code", "") for one in found)


def is_one_of_ours(presence: Element, agents_domain: str) -> bool:
    """Whether an occupant is an agent of a hub like this: by its capabilities, or its address where that is shown."""
    caps = child(presence, CAPS, "c")
    if caps is not None and caps.get("node") == NODE:
        return True
    user = child(presence, MUC_USER, "x")
    item = None if user is None else child(user, MUC_USER, "item")
    jid = "" if item is None else item.get("jid", "")
    return jid.partition("/")[0].rpartition("@")[2] == agents_domain


def is_old(message: Element) -> bool:
    """Whether a room repeats what was said before."""
    return child(message, DELAY, "delay") is not None


def room_id_of(message: Element, room: str) -> str:
    """The id that the room itself gave to a message (XEP-0359); empty for none."""
    found = (one.get("id", "") for one in message.findall(f"{{{SID}}}stanza-id") if one.get("by") == room)
    return next(found, "")


def said_to(message: Element, body: str, room: str, nick: str, agent: str) -> str | None:
    """What is said to the one of this nick, without it; None when others are meant.

    By name at the beginning, by mention of nick or address (XEP-0372), or as a reply to what it has said (XEP-0461).
    """
    text = body.strip()
    bare = text.removeprefix("@")
    if bare.casefold().startswith(nick.casefold()) and (len(bare) == len(nick) or _BEHIND.match(bare[len(nick) :])):
        return bare[len(nick) :].lstrip(" \t,:;").strip() or text
    mentions = {f"xmpp:{room}/{nick}", f"xmpp:{agent}"}
    for one in message.findall(f"{{{REFERENCE}}}reference"):
        if one.get("type") == "mention" and unquote(one.get("uri", "").partition("?")[0]) in mentions:
            return text
    reply = child(message, REPLY, "reply")
    return text if reply is not None and reply.get("to") == f"{room}/{nick}" else None
