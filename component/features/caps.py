"""Entity capabilities (XEP-0115): a hash in presence spares clients the question what an agent can do.

All agents can do the same, so they share one hash: a client with a thousand agents asks once, and the hash tells
nothing about who is there. What is special to an agent stands in the answer that is asked for without a node.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import add

CAPS: Final = "http://jabber.org/protocol/caps"
NODE: Final = "urn:aiox:caps:0"


def verification(category: str, kind: str, name: str, features: tuple[str, ...]) -> str:
    """The verification string of one identity, without a language, and its features (section 5.1)."""
    text = f"{category}/{kind}//{name}<" + "".join(f"{feature}<" for feature in sorted(features))
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


def add_caps(presence: Element, ver: str) -> None:
    """Puts the hash into a presence."""
    add(presence, CAPS, "c", hash="sha-1", node=NODE, ver=ver)
