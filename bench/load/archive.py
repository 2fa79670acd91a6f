"""A person's own archive on the server (XEP-0313), page by page, as any client would read it."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, SubElement, fromstring

from aiox.cli.chat.stream import CLIENT
from bench.load.person import Person

MAM: Final = "urn:xmpp:mam:2"
RSM: Final = "http://jabber.org/protocol/rsm"
_FORWARD: Final = "{urn:xmpp:forward:0}forwarded"
_PAGE: Final = 200


async def fetch(person: Person) -> list[Element]:
    """All archived messages of this person, oldest first. Raises ChatTrouble, or what slixmpp raises for an error."""
    found: list[Element] = []
    after = ""
    while True:
        heard = len(person.journal.stanzas)
        answer = await person.query(_query(after))
        found += _results(person, heard)
        fin = answer.find(f"{{{MAM}}}fin")
        if fin is None or fin.get("complete") == "true":
            return found
        after = fin.findtext(f"{{{RSM}}}set/{{{RSM}}}last") or ""


def _query(after: str) -> Element:
    query = Element(f"{{{MAM}}}query")
    page = SubElement(query, f"{{{RSM}}}set")
    SubElement(page, f"{{{RSM}}}max").text = str(_PAGE)
    if after:
        SubElement(page, f"{{{RSM}}}after").text = after
    return query


def _results(person: Person, heard: int) -> list[Element]:
    results = (fromstring(text).find(f"{{{MAM}}}result") for _, text in person.journal.stanzas[heard:])  # noqa: S314 -- own server
    messages = (result.find(f"{_FORWARD}/{{{CLIENT}}}message") for result in results if result is not None)
    return [message for message in messages if message is not None]
