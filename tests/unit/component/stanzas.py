"""XML text to elements as they arrive on a component stream, and back."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from component.stanza_xml import COMPONENT, to_text

AGENT = "agent-11111111-1111-4111-8111-111111111111@agents.hub.test"
ALICE = "alice@hub.test/phone"


def parse(text: str) -> ET.Element:
    """A stanza as the stream hands it in."""
    return ET.fromstring(f'<stream xmlns="{COMPONENT}">{text}</stream>')[0]  # noqa: S314 -- our own test text


def message(inner: str, attributes: str = 'type="chat" id="q1"', sender: str = ALICE, to: str = AGENT) -> ET.Element:
    return parse(f'<message from="{sender}" to="{to}" {attributes}>{inner}</message>')


def again(element: ET.Element) -> ET.Element:
    """The element after a trip over the wire."""
    return parse(to_text(element))
