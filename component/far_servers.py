"""Whether what was sent to another server is with it: asked by a ping (XEP-0199) to the server itself, behind it.

Streams between servers acknowledge nothing either. Stanzas keep their order on a stream, so a pong shows that what went
before its ping has arrived; and a ping without a pong, when a later one has its, that its stream broke with all that
was on it. While neither has come, the stream may still deliver: nothing is sent again, and little more is sent. Who
speaks of its own accord is asked again soon: a break that is over holds nothing up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

from aiox.kernel.jid import domain
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from component.buckets import Buckets
from component.features.ping import ping
from component.letters import Letter
from component.stanza_xml import STANZAS, child, kind_of

FIRST_WAIT_S: Final = 10.0
LONGEST_WAIT_S: Final = 300.0
"""A server that does not answer is asked again so soon at first, and so seldom at last."""
SOON_S: Final = 1.0
"""One that is heard is asked again so soon; each time twice as long, until it answers."""
WAITING: Final = 32
WAITING_IN_ALL: Final = 256
"""Letters to one server, and to all, that wait for a word; more are not sent meanwhile. They lie in the outbox."""
FORGOTTEN_S: Final = 10.0
"""A letter that nobody has asked for so long about waits no more: another process sends it."""
TRIED: Final = 8
"""Letters that are tried at a time with a server that cannot be reached; between two times it waits ever longer."""
PER_MINUTE: Final = 6000
SERVERS: Final = 2_000
PINGS: Final = 128
FAR_AGAIN_S: Final = 5.0
"""What another server did not take is sent again so long after that is known; at once when it is there again."""
FAR_LASTS: Final = timedelta(days=3)
"""What another server has not taken within this time is given up."""
UNREACHABLE: Final = ("remote-server-not-found", "remote-server-timeout")
"""Errors that our own server makes in the name of one that it cannot reach (RFC 6120, section 10.4)."""


class Arrival(Enum):
    """What is known of a letter."""

    ARRIVED = "arrived"
    LOST = "lost"
    """It is to be sent again."""
    OPEN = "open"


class _Word(Enum):
    NONE = 0
    PONG = 1
    BOUNCED = 2


@dataclass(slots=True)
class _Ping:
    id: str
    sent_at: float
    word: _Word = _Word.NONE


@dataclass(slots=True)
class _Server:
    pings: list[_Ping] = field(default_factory=list)
    wait_s: float = FIRST_WAIT_S
    soon_s: float = SOON_S
    heard_at: float = float("-inf")
    """When it last said something of its own accord."""

    unreachable: bool = False
    opens_at: float = float("-inf")
    """While it cannot be reached: when the next letters are tried, and how many may be."""
    left: int = TRIED
    again_s: float = FAR_AGAIN_S

    def bounced(self, now: float) -> None:
        """Our own server could not reach it."""
        self.unreachable, self.left, self.opens_at = True, TRIED, now + self.again_s
        self.again_s = min(2 * self.again_s, LONGEST_WAIT_S)

    def heard(self, now: float) -> None:
        """It said something of its own accord."""
        self.heard_at, self.opens_at = now, min(self.opens_at, now + SOON_S)

    def answered(self) -> None:
        """It is there."""
        self.wait_s, self.soon_s, self.again_s, self.unreachable = FIRST_WAIT_S, SOON_S, FAR_AGAIN_S, False

    def takes_one(self, now: float) -> bool:
        """Whether one more letter is tried now."""
        if not self.unreachable:
            return True
        if now < self.opens_at:
            return False
        self.left -= 1
        if not self.left:
            self.left, self.opens_at = TRIED, now + self.again_s
        return True

    def is_due(self, now: float) -> bool:
        """Whether it is asked once more, behind a last ping that it has not answered."""
        silent = now - self.pings[-1].sent_at
        if silent >= self.wait_s:
            self.wait_s = min(2 * self.wait_s, LONGEST_WAIT_S)
            return True
        if silent >= self.soon_s and self.heard_at > self.pings[-1].sent_at:
            self.soon_s = min(2 * self.soon_s, LONGEST_WAIT_S)
            return True
        return False


class FarServers:
    """Other servers, by domain, and what they have taken. In bounded memory."""

    def __init__(
        self,
        send: Callable[[Element], bool],
        own: Callable[[str], bool],
        sender: str,
        clock: Clock,
        paced: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`own` says whether our own server answers for an address, `paced` whether one more may leave for one anyway;
        pings go out from `sender`.
        """
        self._paced = paced
        self._send = send
        self._own = own
        self._sender = sender
        self._clock = clock
        self._servers: OrderedDict[str, _Server] = OrderedDict()
        self._pace = Buckets(PER_MINUTE, WAITING)
        self._waiting: dict[UUID, tuple[str, float]] = {}

    def lets_out(self, to: str) -> bool:
        """Whether one more may be sent to this address now: a server that is silent does not fill the way to others."""
        if self._own(to):
            return self._paced(to)
        now, where = self._clock.monotonic(), domain(to)
        self._waiting = {one: found for one, found in self._waiting.items() if now - found[1] < FORGOTTEN_S}
        free = sum(there == where for there, _ in self._waiting.values()) < WAITING
        if not free or len(self._waiting) >= WAITING_IN_ALL or not self._server(where).takes_one(now):
            return False
        return self._pace.take(where, now) and self._paced(to)

    def is_far(self, to: str) -> bool:
        """Whether another server has to say that something arrived."""
        return not self._own(to)

    def arrival(self, letter: UUID, to: str, since: float) -> Arrival:
        """What is known of a letter that our own server had taken at `since`. Asks the other server when it has to."""
        server = self._server(domain(to))
        found = self._judged(server, domain(to), since)
        self._waiting.pop(letter, None)
        if found is Arrival.OPEN:
            self._waiting[letter] = domain(to), self._clock.monotonic()
        return found

    def again_s(self, to: str) -> float:
        """How long what this address did not get has to wait, in seconds: not at all when its server answers now."""
        pings = self._server(domain(to)).pings
        return 0.0 if pings and pings[-1].word is _Word.PONG else FAR_AGAIN_S

    def missing(self, letters: Sequence[Letter], now: datetime, log: Log) -> set[UUID]:
        """Those for other servers that are not known to be there, but for ones that nobody has taken for days."""
        missing = set()
        for letter in letters:
            letter.lost, to = False, letter.ready.to_jid
            arrival = Arrival.ARRIVED if self._own(to) else self.arrival(letter.id, to, letter.confirmed_at)
            if arrival is Arrival.ARRIVED:
                continue
            if letter.envelope.occurred_at < now - FAR_LASTS:
                log.error("other_server_took_nothing", outbox_id=str(letter.id), server=domain(to))
                continue
            letter.lost = arrival is Arrival.LOST
            missing.add(letter.id)
        return missing

    def takes(self, stanza: Element) -> bool:
        """Takes the answers to pings that were sent here, and hears that a server is there."""
        sender, kind = stanza.get("from", ""), stanza.get("type", "")
        server = self._servers.get(domain(sender))
        if server is None:
            return False
        if kind != "error":  # our own server makes those in the name of others
            server.heard(self._clock.monotonic())
        if kind_of(stanza) != "iq" or kind not in ("result", "error") or sender != domain(sender):
            return False
        asked = next((one for one in server.pings if one.id == stanza.get("id")), None)
        if asked is None:
            return False
        asked.word = _Word.BOUNCED if _is_unreachable(stanza) else _Word.PONG
        if asked.word is _Word.PONG:
            server.answered()
        else:
            server.bounced(self._clock.monotonic())
        return True

    def _judged(self, server: _Server, where: str, since: float) -> Arrival:
        behind = [one for one in server.pings if one.sent_at >= since]
        if not behind:
            self._ping(server, where)
            return Arrival.OPEN
        if behind[0].word is _Word.PONG:
            return Arrival.ARRIVED
        if behind[0].word is _Word.BOUNCED or any(one.word is _Word.PONG for one in behind):
            return Arrival.LOST
        if server.is_due(self._clock.monotonic()):
            self._ping(server, where)
        return Arrival.OPEN

    def _ping(self, server: _Server, where: str) -> None:
        asked = _Ping(f"far-{uuid4()}", self._clock.monotonic())
        if self._send(ping(self._sender, where, asked.id)):
            server.pings = [*server.pings[-PINGS + 1 :], asked]

    def _server(self, where: str) -> _Server:
        server = self._servers.pop(where, None) or _Server()
        self._servers[where] = server
        if len(self._servers) > SERVERS:
            self._servers.popitem(last=False)
        return server


def _is_unreachable(stanza: Element) -> bool:
    error = next((one for one in stanza if one.tag.endswith("}error")), None)
    return error is not None and any(child(error, STANZAS, name) is not None for name in UNREACHABLE)
