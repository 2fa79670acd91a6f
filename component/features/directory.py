"""The agents that the asker may see: by browsing (XEP-0030, XEP-0059) and by searching (XEP-0055).

The profiles "Core Directory" and "Jabber Search Compatibility" of the draft "XMPP Agent Gateway".
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import local_part
from component.features.disco import ITEMS, SEARCH, asks_directory, node_of
from component.features.forms import FORMS, add_field, add_form, submitted
from component.features.rsm import add_set
from component.stanza_xml import add, child, stanza
from registry.cards import Listing

MAX_WORD: Final = 200
"""Characters of a search that are looked for."""
_INSTRUCTIONS: Final = "Give a part of the name of the agents that you look for, or nothing for all."


def asks_search(query: Element) -> bool:
    """Whether this asks the hub's search: for its form, or for agents."""
    to_hub = not local_part(query.get("to", ""))
    return to_hub and query.get("type") in ("get", "set") and child(query, SEARCH, "query") is not None


def asks_listing(query: Element) -> bool:
    """Whether the answer is a list of agents."""
    return asks_directory(query) or (asks_search(query) and query.get("type") == "set")


def searched(query: Element) -> str:
    """The word that is searched for; empty: all agents."""
    asked = child(query, SEARCH, "query")
    if asked is None:
        return ""
    fields = submitted(asked)
    word = fields.get("nick", "") if fields is not None else asked.findtext(f"{{{SEARCH}}}nick") or ""
    return word.strip()[:MAX_WORD]


def body_of(query: Element) -> Element | None:
    """The element of the query that may hold which page is wanted."""
    found = child(query, ITEMS, "query")
    return child(query, SEARCH, "query") if found is None else found


def search_form(query: Element) -> Element:
    """What may be searched for, as old clients and as forms ask it."""
    reply = _result(query)
    asked = add(reply, SEARCH, "query")
    add(asked, SEARCH, "instructions", _INSTRUCTIONS)
    add(asked, SEARCH, "nick")
    form = add_form(asked, "form", SEARCH, "Agents")
    add_field(form, "nick", kind="text-single", label="Name")
    return reply


def answer_listing(query: Element, found: Listing) -> Element:
    """A page of agents, as items or as what a search found."""
    reply = _result(query)
    if asks_directory(query):
        node = node_of(query, ITEMS)
        answer = add(reply, ITEMS, "query", **({"node": node} if node else {}))
        for entry in found.entries:
            add(answer, ITEMS, "item", jid=entry.jid, name=entry.name)
    else:
        answer = _add_found(reply, query, found)
    add_set(answer, [entry.jid for entry in found.entries], found.total)
    return reply


def _add_found(reply: Element, query: Element, found: Listing) -> Element:
    asked = child(query, SEARCH, "query")
    answer = add(reply, SEARCH, "query")
    if asked is None or submitted(asked) is None:
        for entry in found.entries:
            add(add(answer, SEARCH, "item", jid=entry.jid), SEARCH, "nick", entry.name)
        return answer
    form = add_form(answer, "result", SEARCH)
    reported = add(form, FORMS, "reported")
    add_field(reported, "jid", kind="jid-single", label="Address")
    add_field(reported, "nick", kind="text-single", label="Name")
    for entry in found.entries:
        item = add(form, FORMS, "item")
        add_field(item, "jid", entry.jid)
        add_field(item, "nick", entry.name)
    return answer


def _result(query: Element) -> Element:
    return stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
