"""Questions that only the registry can answer: asked of it a few at a time, in bounded memory; each is answered.

Who may not see an agent gets the same as for one that is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.ids import agent_id_of
from aiox.kernel.jid import BareJid, bare
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from component.admission import Send
from component.buckets import Buckets
from component.features.acd import FindDescriptor, acd_error, answer_acd, asks_descriptor
from component.features.avatar import answer_avatar, asks_avatar
from component.features.directory import answer_listing, asks_listing, asks_search, body_of, search_form, searched
from component.features.disco import agent_info, asks_about_agent
from component.features.hubs import is_between_hubs
from component.features.rsm import read_page
from component.features.vcard import answer_vcard, asks_vcard
from component.portraits import FindPortrait
from component.watchers import FindCards
from registry.cards import Listing, Page

WAITING: Final = 2048
REQUESTS_PER_MINUTE: Final = 600
REQUEST_BURST: Final = 1200
"""A client that meets many agents asks each for its name and picture."""

ListVisible = Callable[[BareJid, str, Page], Awaitable[Listing]]
"""The agents that a person may see whose name contains a text. Raises when the registry cannot be asked."""
Answer = Callable[[Element], Awaitable[Element | None]]


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry tells the door about agents, each for one person."""

    descriptor: FindDescriptor
    cards: FindCards
    portrait: FindPortrait
    visible: ListVisible


def asks_registry(query: Element) -> bool:
    """Whether this iq is one of those that are answered here."""
    asked_of_agent = asks_descriptor(query) or asks_about_agent(query) or asks_vcard(query) or asks_avatar(query)
    return asked_of_agent or asks_listing(query) or asks_search(query) or is_between_hubs(query)


async def answer(query: Element, known: Known) -> Element | None:
    """The answer to an iq for which `asks_registry` holds; None for one from nowhere."""
    if is_between_hubs(query):
        return acd_error(query, "cancel", "service-unavailable")
    if asks_descriptor(query):
        return await answer_acd(query, known.descriptor)
    try:
        asker, agent = JID(query.get("from", "")), JID(query.get("to", ""))
    except InvalidJID:
        return None
    if not asker.domain:
        return None
    person, agent_id = BareJid(asker.bare), agent_id_of(agent.local)
    if asks_listing(query):
        return await _listing(query, person, known)
    if asks_search(query):
        return search_form(query)
    if asks_avatar(query):
        found = answer_avatar(query, await known.portrait(agent_id, person))
        return acd_error(query, "cancel", "item-not-found") if found is None else found
    card = (await known.cards([(agent_id, person)]))[0]
    if asks_about_agent(query):
        return agent_info(query, card)
    if card is None:
        return acd_error(query, "cancel", "service-unavailable")
    return answer_vcard(query, card, await known.portrait(agent_id, person) if card.avatar else None)


async def _listing(query: Element, person: BareJid, known: Known) -> Element:
    asked = body_of(query)
    page = None if asked is None else read_page(asked)
    if page is None:
        return acd_error(query, "modify", "bad-request")
    return answer_listing(query, await known.visible(person, searched(query), page))


class Enquiries:
    """Answers iq stanzas for which `asks_registry` holds. What does not fit is refused with `wait`."""

    def __init__(self, known: Known, send: Send, clock: Clock, log: Log, between: Answer | None = None) -> None:
        """`between` answers what hubs ask each other; without it nobody does."""
        self._between = between
        self._known = known
        self._send = send
        self._clock = clock
        self._log = log
        self._buckets = Buckets(REQUESTS_PER_MINUTE, REQUEST_BURST)
        self._waiting: asyncio.Queue[Element] = asyncio.Queue(WAITING)

    def receive(self, query: Element) -> None:
        """Takes one request."""
        if self._waiting.full() or not self._buckets.take(bare(query.get("from", "")), self._clock.monotonic()):
            self._send(acd_error(query, "wait", "resource-constraint"))
            return
        self._waiting.put_nowait(query)

    async def work(self) -> None:
        """Answers what waits, until cancelled; start several."""
        while True:
            query = await self._waiting.get()
            try:
                if self._between is not None and is_between_hubs(query):
                    reply = await self._between(query)
                else:
                    reply = await answer(query, self._known)
            except Exception as failed:  # noqa: BLE001 -- fail closed: nothing is shown
                self._log.warning("enquiry_not_answered", error=describe(failed))
                reply = acd_error(query, "wait", "internal-server-error")
            if reply is not None:
                self._send(reply)
