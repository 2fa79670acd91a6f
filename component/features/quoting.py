"""Replies (XEP-0461): which question an answer is to, with a quotation for clients that do not know it (XEP-0428)."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import COMPONENT, add, child

REPLY: Final = "urn:xmpp:reply:0"
FALLBACK: Final = "urn:xmpp:fallback:0"
EXCERPT: Final = 160
"""Characters of a question that are quoted."""
MAX_BODY_BYTES: Final = 40 * 1024
"""A longer answer is sent in parts, and parts are the same at every attempt: it gets no quotation."""


def excerpt(body: str) -> str:
    """The beginning of a question, on one line."""
    words = " ".join(body[: 4 * EXCERPT].split())
    return words if len(words) <= EXCERPT else f"{words[: EXCERPT - 1]}…"


def add_reply(message: Element, to: str, message_id: str, quoted: str) -> None:
    """Says that the message is a reply to the one with this id, which `to` has sent, and quotes it.

    XEP-0428 counts the characters of the quotation, its line end with them.
    """
    add(message, REPLY, "reply", to=to, id=message_id)
    body = child(message, COMPONENT, "body")
    if body is None or not quoted:
        return
    quotation = f"> {quoted}\n"
    body.text = quotation + (body.text or "")
    fallback = add(message, FALLBACK, "fallback", **{"for": REPLY})
    add(fallback, FALLBACK, "body", start="0", end=str(len(quotation)))
