"""Programs that talk to each other are stopped: two agents would answer each other for ever. Pure; in bounded memory.

A program is known by its address on the agents' domain, or by the count of hops that our answers carry and that other
hubs hand on. People are not counted: what they may send is limited elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import domain
from component.stanza_xml import add, child

HOPS: Final = "urn:aiox:hops:0"
MAX_HOPS: Final = 4
EXCHANGES: Final = 6
"""Messages of one program to one agent within a window; one more, and there is silence for a while."""
WINDOW_S: Final = 60.0
COOL_DOWN_S: Final = 600.0
LIMIT: Final = 10_000


class Heard(StrEnum):
    """What to do with a message."""

    GO_ON = "go on"
    STOP = "stop"
    """It gets no answer, and that is put on record."""
    SILENCE = "silence"
    """It gets no answer; the stop is on record already."""


@dataclass(slots=True)
class _Pair:
    began_at: float
    count: int = 0
    quiet_until: float = 0.0


def hops_of(message: Element) -> int | None:
    """How many programs have handed this on, 1,000 at most; None for a message that carries no count."""
    hops = child(message, HOPS, "hops")
    if hops is None:
        return None
    count = hops.get("count", "")
    return min(int(count), 1000) if count.isascii() and count.isdecimal() and len(count) < 6 else 1000


def add_hops(message: Element, count: int) -> None:
    """Puts the count into an answer."""
    add(message, HOPS, "hops", count=str(count))


class LoopGuard:
    """Watches what programs say to our agents."""

    def __init__(self, agents_domain: str, limit: int = LIMIT) -> None:
        self._agents_domain = agents_domain
        self._limit = limit
        self._pairs: OrderedDict[tuple[str, str], _Pair] = OrderedDict()

    def hear(self, message: Element, sender: str, agent: str, now: float) -> Heard:
        """Judges a message. `sender` and `agent` are bare; `now` is in seconds and never goes back."""
        hops = hops_of(message)
        if hops is None and domain(sender) != self._agents_domain:
            return Heard.GO_ON
        pair = self._pair(sender, agent, now)
        if now < pair.quiet_until:
            return Heard.SILENCE
        if now - pair.began_at >= WINDOW_S:
            pair.began_at, pair.count = now, 0
        pair.count += 1
        if pair.count <= EXCHANGES and (hops or 0) <= MAX_HOPS:
            return Heard.GO_ON
        pair.quiet_until, pair.count = now + COOL_DOWN_S, 0
        return Heard.STOP

    def _pair(self, sender: str, agent: str, now: float) -> _Pair:
        pair = self._pairs.pop((sender, agent), None) or _Pair(now)
        self._pairs[sender, agent] = pair
        if len(self._pairs) > self._limit:
            self._pairs.popitem(last=False)
        return pair
