"""An agent's picture: user avatar (XEP-0084) as the component serves it, and the hash in presence (XEP-0153)."""

from __future__ import annotations

import base64
import hashlib
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.avatar import Image
from aiox.kernel.jid import local_part
from component.stanza_xml import add, child, stanza

PUBSUB: Final = "http://jabber.org/protocol/pubsub"
AVATAR_DATA: Final = "urn:xmpp:avatar:data"
AVATAR_METADATA: Final = "urn:xmpp:avatar:metadata"
UPDATE: Final = "vcard-temp:x:update"
_EVENT: Final = "http://jabber.org/protocol/pubsub#event"


def picture_hash(picture: Image) -> str:
    """SHA-1 of the image, in hex: its name in XEP-0084 and XEP-0153."""
    return hashlib.sha1(picture.data, usedforsecurity=False).hexdigest()


def asks_avatar(query: Element) -> bool:
    """Whether this asks an agent's address for its avatar's node of data or metadata."""
    return query.get("type") == "get" and bool(local_part(query.get("to", ""))) and _node(query) != ""


def answer_avatar(query: Element, picture: Image | None) -> Element | None:
    """The item of the node; None when there is no such item."""
    node, wanted = _node(query), _wanted(query)
    name = "" if picture is None else picture_hash(picture)
    if picture is None or (wanted and name not in wanted):
        return None
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    items = add(add(reply, PUBSUB, "pubsub"), PUBSUB, "items", node=node)
    item = add(items, PUBSUB, "item", id=name)
    if node == AVATAR_DATA:
        add(item, AVATAR_DATA, "data", base64.b64encode(picture.data).decode())
    else:
        _add_metadata(item, picture)
    return reply


def avatar_event(sender: str, to: str, picture: Image) -> Element:
    """Tells a contact that this is the picture (XEP-0163, section 4.1)."""
    message = stanza("message", sender, to, "headline")
    items = add(add(message, _EVENT, "event"), _EVENT, "items", node=AVATAR_METADATA)
    _add_metadata(add(items, _EVENT, "item", id=picture_hash(picture)), picture)
    return message


def add_update(presence: Element, photo: str) -> None:
    """Puts the picture's hash into a presence; empty: there is none."""
    add(add(presence, UPDATE, "x"), UPDATE, "photo", photo)


def _add_metadata(item: Element, picture: Image) -> None:
    metadata = add(item, AVATAR_METADATA, "metadata")
    size, kind = str(len(picture.data)), picture.media_type
    add(metadata, AVATAR_METADATA, "info", bytes=size, id=picture_hash(picture), type=kind)


def _items(query: Element) -> Element | None:
    pubsub = child(query, PUBSUB, "pubsub")
    return None if pubsub is None else child(pubsub, PUBSUB, "items")


def _node(query: Element) -> str:
    items = _items(query)
    node = "" if items is None else items.get("node", "")
    return node if node in (AVATAR_DATA, AVATAR_METADATA) else ""


def _wanted(query: Element) -> set[str]:
    items = _items(query)
    return set() if items is None else {item.get("id", "") for item in items.findall(f"{{{PUBSUB}}}item")}
