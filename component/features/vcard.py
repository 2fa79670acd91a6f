"""Who an agent is: vCard-temp (XEP-0054) and vCard4 over XMPP (XEP-0292). Each says that no person writes here."""

from __future__ import annotations

import base64
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.avatar import Image
from aiox.kernel.jid import local_part
from component.stanza_xml import add, child, stanza
from registry.cards import Card

VCARD: Final = "vcard-temp"
VCARD4: Final = "urn:ietf:params:xml:ns:vcard-4.0"
DISCLOSURE: Final = "AI agent: what it writes comes from a language model, not from a person, and may be wrong."
ROLE: Final = "AI agent"


def asks_vcard(query: Element) -> bool:
    """Whether this asks an agent's address for a vCard of either kind."""
    if query.get("type") != "get" or not local_part(query.get("to", "")):
        return False
    return child(query, VCARD, "vCard") is not None or child(query, VCARD4, "vcard") is not None


def answer_vcard(query: Element, card: Card, picture: Image | None) -> Element:
    """The vCard that was asked for."""
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    if child(query, VCARD, "vCard") is not None:
        _add_temp(reply, card, picture)
    else:
        _add_four(reply, card, picture)
    return reply


def described(card: Card) -> str:
    """The agent's description with the disclosure behind it."""
    return f"{card.description}\n\n{DISCLOSURE}" if card.description else DISCLOSURE


def _add_temp(reply: Element, card: Card, picture: Image | None) -> None:
    vcard = add(reply, VCARD, "vCard")
    add(vcard, VCARD, "FN", card.name)
    add(vcard, VCARD, "NICKNAME", card.name)
    add(vcard, VCARD, "ROLE", ROLE)
    add(vcard, VCARD, "JABBERID", card.jid)
    add(vcard, VCARD, "DESC", described(card))
    if card.tags:
        categories = add(vcard, VCARD, "CATEGORIES")
        for tag in card.tags:
            add(categories, VCARD, "KEYWORD", tag)
    if picture is not None:
        photo = add(vcard, VCARD, "PHOTO")
        add(photo, VCARD, "TYPE", picture.media_type)
        add(photo, VCARD, "BINVAL", base64.b64encode(picture.data).decode())


def _add_four(reply: Element, card: Card, picture: Image | None) -> None:
    vcard = add(reply, VCARD4, "vcard")

    def put(name: str, kind: str, *values: str) -> None:
        entry = add(vcard, VCARD4, name)
        for value in values:
            add(entry, VCARD4, kind, value)

    # RFC 6473: what is described is a program.
    put("kind", "text", "application")
    put("fn", "text", card.name)
    put("nickname", "text", card.name)
    put("role", "text", ROLE)
    put("impp", "uri", f"xmpp:{card.jid}")
    put("note", "text", described(card))
    if card.tags:
        put("categories", "text", *card.tags)
    if picture is not None:
        put("photo", "uri", f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}")
