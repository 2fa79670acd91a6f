"""Contacts of agents: their presence requests, and presence when something changed. Many are asked of the registry at
once, in bounded memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid, local_part
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from component.admission import Send
from component.buckets import Buckets
from component.features.avatar import avatar_event
from component.features.presence import RESOURCE, accepted, available, ended, greeting, state_of, unavailable
from component.portraits import FindPortrait, Portraits
from component.shown import Pair, Shown
from registry.cards import Card

WAITING: Final = 65_536
AT_ONCE: Final = 256
"""Requests that one question to the registry answers."""
REQUESTS_PER_MINUTE: Final = 3000
REQUEST_BURST: Final = 6000
"""A client with many agents in its roster probes them all when it comes online."""
NEWS_S: Final = 2.0
NEWS_LIMIT: Final = 1000
AGAIN_S: Final = 30.0
_STATE: Final = 0b11

FindCards = Callable[[Sequence[tuple[AgentId, BareJid]]], Awaitable[Sequence[Card | None]]]
"""For each agent and person the card, or None. Raises when the registry cannot be asked; then nothing is shown."""
News = Callable[[int, int], Awaitable[tuple[int, frozenset[AgentId]]]]


@dataclass(frozen=True, slots=True)
class _Request:
    pair: Pair
    kind: str
    """subscribe, added, probe, or empty for one that was shown the agent and may have to see a change."""
    to: str


class Watchers:
    """Answers presence stanzas. What does not fit, or cannot be decided, is answered with silence.

    Start `work` as a task, some of them side by side, and `follow` once.
    """

    def __init__(self, find: FindCards, portrait: FindPortrait, send: Send, clock: Clock, log: Log) -> None:
        self._find = find
        self._portrait = portrait
        self._portraits = Portraits(portrait)
        self._send = send
        self._clock = clock
        self._log = log
        self._shown = Shown()
        self._busy: set[tuple[str, str]] = set()
        self._soon: set[Pair] = set()
        self._buckets = Buckets(REQUESTS_PER_MINUTE, REQUEST_BURST)
        self._waiting: asyncio.Queue[_Request] = asyncio.Queue(WAITING)

    @property
    def shown(self) -> Shown:
        """What contacts were shown."""
        return self._shown

    def receive(self, presence: Element) -> None:
        """Takes one presence stanza."""
        kind = presence.get("type", "")
        if kind not in ("subscribe", "probe", "unsubscribe", "unsubscribed"):
            return
        found = _addresses(presence)
        if found is None or not self._buckets.take(found[0].contact, self._clock.monotonic()):
            return
        pair, asker = found
        if kind in ("unsubscribe", "unsubscribed"):
            self._shown.forget(pair)
            for answer in ended(pair.address, pair.contact) if kind == "unsubscribe" else ():
                self._send(answer)
            return
        self._put(_Request(pair, kind, asker))

    def added(self, address: str, contact: str) -> None:
        """An agent stands among somebody's contacts without having asked; both bare."""
        self._put(_Request(Pair(address, contact), "added", contact))

    def look_again(self, address: str, contact: str) -> None:
        """Something may have changed between an agent's address and a contact, both bare."""
        pair = Pair(address, contact)
        if self._shown.of(pair) is not None:
            self._put(_Request(pair, "", contact))

    def look_again_soon(self, address: str, contact: str) -> None:
        """The same, within NEWS_S, with all others for which that is soon enough."""
        pair = Pair(address, contact)
        if self._shown.of(pair) is not None:
            self._soon.add(pair)

    def look_again_where(self, concerns: Callable[[str], bool]) -> None:
        """Something may have changed for all contacts, by bare JID, of which `concerns` says so."""
        for pair in list(self._shown.where(-1)):
            if concerns(pair.contact):
                self._put(_Request(pair, "", pair.contact))

    def busy_with(self, pairs: set[tuple[str, str]]) -> None:
        """Which agents, by address, have been working for which contacts for long; replaces what was said before."""
        changed, self._busy = pairs ^ self._busy, pairs
        for address, contact in changed:
            self.look_again(address, contact)

    async def work(self) -> None:
        """Answers what waits, until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < AT_ONCE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                await self._answer(batch)
            except Exception as failed:  # noqa: BLE001 -- fail closed: nothing is shown
                self._log.warning("presence_not_decided", requests=len(batch), error=repr(failed))

    async def follow(self, end: Callable[[], Awaitable[int]], news: News) -> None:
        """Looks again at agents that changed, and now and then at those that are not simply available. For ever."""
        position: int | None = None
        looked = self._clock.monotonic()
        while True:
            try:
                if position is None:
                    position = await end()
                position = await self._look_at_news(position, news)
            except Exception as failed:  # noqa: BLE001 -- the store may be away; the next look finds what changed
                self._log.warning("news_of_agents_not_read", error=repr(failed))
            if self._clock.monotonic() - looked >= AGAIN_S:
                looked = self._clock.monotonic()
                for pair in list(self._shown.where(_STATE)):
                    self.look_again(*pair)
            soon, self._soon = self._soon, set()
            for pair in soon:
                self.look_again(*pair)
            await asyncio.sleep(NEWS_S)

    async def _look_at_news(self, position: int, news: News) -> int:
        position, agents = await news(position, NEWS_LIMIT)
        for agent in agents:
            for pair in self._shown.pairs_of(agent):
                self.look_again(*pair)
        return position

    def _put(self, request: _Request) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(request)

    async def _answer(self, batch: Sequence[_Request]) -> None:
        asked = [(agent_id_of(local_part(one.pair.address)), BareJid(one.pair.contact)) for one in batch]
        for request, card in zip(batch, await self._find(asked), strict=True):
            if card is not None:
                await self._show(request, card)
            elif self._shown.of(request.pair) is not None:
                self._shown.forget(request.pair)
                self._send(unavailable(*request.pair))

    async def _show(self, request: _Request, card: Card) -> None:
        pair, contact = request.pair, BareJid(request.pair.contact)
        state = state_of(card, busy=pair in self._busy)
        known = self._shown.of(pair) is not None
        if not known and not request.kind:
            return  # unsubscribed meanwhile
        # The version stands for what a version fixes: name and picture.
        changed = self._shown.put(card.agent_id, pair, card.version << 2 | state)
        if not changed and not request.kind:
            return
        if request.kind == "subscribe":
            self._send(accepted(pair.address, pair.contact))
        photo = await self._portraits.hash_of(card, contact)
        self._send(available(pair.address, request.to, card, state, photo))
        if not known:
            await self._introduce(request, card, photo)

    async def _introduce(self, request: _Request, card: Card, photo: str) -> None:
        """What a contact gets once, or again after this process was started anew."""
        pair, contact = request.pair, BareJid(request.pair.contact)
        if request.kind in ("subscribe", "added"):
            self._send(greeting(pair.address, pair.contact, card))
        if photo and (picture := await self._portrait(card.agent_id, contact)) is not None:
            self._send(avatar_event(f"{pair.address}/{RESOURCE}", request.to, picture))


def _addresses(presence: Element) -> tuple[Pair, str] | None:
    """The pair, and where the answer to a probe goes; None for a stanza that is not from a person to an agent."""
    try:
        asker, agent = JID(presence.get("from", "")), JID(presence.get("to", ""))
    except InvalidJID:
        return None
    if not asker.local or not asker.domain or not agent.local:
        return None
    to = str(asker) if presence.get("type") == "probe" else asker.bare
    return Pair(str(agent.bare), str(asker.bare)), str(to)
