"""Software version (XEP-0092): the name and version of the hub, and nothing about the machine."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import add, child, stanza

VERSION: Final = "jabber:iq:version"


def answer_version(query: Element) -> Element | None:
    """The answer to a version query; None for anything else."""
    if query.get("type") != "get" or child(query, VERSION, "query") is None:
        return None
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    answer = add(reply, VERSION, "query")
    add(answer, VERSION, "name", "AIOX")
    add(answer, VERSION, "version", version("aiox"))
    return reply
