"""Stanzas as elements, and elements as bytes. What leaves here is well-formed XML 1.0, whatever a model wrote."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement

COMPONENT: Final = "jabber:component:accept"
STANZAS: Final = "urn:ietf:params:xml:ns:xmpp-stanzas"
SID: Final = "urn:xmpp:sid:0"
HINTS: Final = "urn:xmpp:hints"

# XML 1.0 section 2.2: everything else cannot stand in a document, not even escaped. Lone surrogates are outside, too.
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)


def legal(text: str) -> str:
    """The text with every character that XML 1.0 forbids replaced by U+FFFD."""
    return _ILLEGAL.sub("\ufffd", text)


def stanza(name: str, sender: str, to: str, kind: str = "", stanza_id: str = "") -> Element:
    """An empty message, presence or iq. `kind` is the type attribute; empty leaves it out, as does an empty id."""
    attributes = {"from": sender, "to": to, "type": kind, "id": stanza_id}
    return Element(f"{{{COMPONENT}}}{name}", {key: value for key, value in attributes.items() if value})


def add(parent: Element, namespace: str, tag: str, text: str = "", /, **attributes: str) -> Element:
    """Adds a child and returns it."""
    inner = SubElement(parent, f"{{{namespace}}}{tag}", attributes)
    inner.text = text or None
    return inner


def child(parent: Element, namespace: str, name: str) -> Element | None:
    """The first child of this name."""
    return parent.find(f"{{{namespace}}}{name}")


def kind_of(element: Element) -> str:
    """message, presence or iq; empty for anything else."""
    namespace, _, name = element.tag.removeprefix("{").partition("}")
    return name if namespace == COMPONENT else ""


def to_text(element: Element, outer: str = COMPONENT) -> str:
    """The element as XML text inside an element of namespace `outer`."""
    namespace, _, name = element.tag.removeprefix("{").partition("}")
    parts = [f"<{name}"]
    if namespace != outer:
        parts.append(f' xmlns="{legal(namespace).translate(_ATTRIBUTE)}"')
    parts += [f' {key}="{legal(value).translate(_ATTRIBUTE)}"' for key, value in element.items()]
    if element.text is None and not len(element):
        return "".join([*parts, "/>"])
    parts.append(">")
    parts.append(legal(element.text or "").translate(_TEXT))
    parts += [to_text(inner, namespace) for inner in element]
    parts.append(f"</{name}>")
    return "".join(parts)
