"""Result set management (XEP-0059): which page of a list is wanted, and what the page was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from component.stanza_xml import add, child
from registry.cards import Page

RSM: Final = "http://jabber.org/protocol/rsm"
MAX_PAGE: Final = 100
"""Items on a page at most, whatever was asked for."""


def read_page(query: Element) -> Page | None:
    """The page that a query asks for, the first one when it says nothing; None for a set that makes no sense."""
    wanted = child(query, RSM, "set")
    if wanted is None:
        return Page(MAX_PAGE)
    limit = wanted.findtext(f"{{{RSM}}}max")
    if limit is not None and not (limit.isascii() and limit.isdecimal() and len(limit) <= 9):
        return None
    after, before = wanted.findtext(f"{{{RSM}}}after"), wanted.findtext(f"{{{RSM}}}before")
    number = MAX_PAGE if limit is None else min(int(limit), MAX_PAGE)
    return Page(number, after or "", before or "", backwards=before is not None)


def add_set(query: Element, ids: Sequence[str], total: int) -> None:
    """Says which page this is: the ids of its first and last item, and how many items there are in all."""
    page = add(query, RSM, "set")
    if ids:
        add(page, RSM, "first", ids[0])
        add(page, RSM, "last", ids[-1])
    add(page, RSM, "count", str(total))
