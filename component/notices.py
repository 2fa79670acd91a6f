"""Who is told that work takes longer, and which answer takes the place of that notice. Pure; in bounded memory.

SPEC 9: one notice a turn, to the very client that asked, and only when that client is there: it has written a moment
ago, and it says that it knows corrections (XEP-0308). The answer corrects the notice only while that is the last
message of the conversation; else, and for everybody who never saw the notice, it is a message of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

from component.asked import Open, Pair
from component.features.correction import asks_client, knows_corrections, taken_back, working_notice
from component.features.presence import RESOURCE
from component.stanza_xml import kind_of

ASK_S: Final = 3.0
"""After so many seconds of work a client that is not known is asked what it can do."""
NOTICE_S: Final = 6.0
"""Work that takes longer is told."""
FRESH_S: Final = 15.0
"""Who has not written for so long may have gone: a notice would wake a phone, and the answer would again."""
LIMIT: Final = 10_000

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True)
class Shown:
    """A notice that somebody sees now."""

    id: str
    sender: str
    """The agent's full address."""
    to: str
    last: bool = True
    """Nothing was said in the conversation since."""


class Notices:
    """The notices of this process. Instants are seconds of a clock that never goes back."""

    def __init__(self, draw_id: Callable[[], UUID] = uuid4, limit: int = LIMIT) -> None:
        self._draw_id = draw_id
        self._limit = limit
        self._knows: OrderedDict[str, bool] = OrderedDict()
        """By full address: whether that client knows corrections; False until it has said so."""
        self._asked: OrderedDict[str, str] = OrderedDict()
        self._heard: OrderedDict[Pair, tuple[str, float]] = OrderedDict()
        self._shown: OrderedDict[Pair, Shown] = OrderedDict()

    def heard(self, one: Open, now: float) -> None:
        """The contact has written, from this client."""
        self._put(self._heard, (one.agent, one.contact), (one.sender, now))
        self.spoken((one.agent, one.contact))

    def spoken(self, pair: Pair) -> None:
        """Something was said in a conversation: a notice in it is not its last message any more."""
        if (shown := self._shown.get(pair)) is not None:
            shown.last = False

    def due(self, running: Iterable[tuple[Open, float]], now: float) -> list[Element]:
        """What to send about questions that are worked on, each with the seconds since: notices, and what is asked of
        clients first.
        """
        told = []
        for one, seconds in running:
            pair = (one.agent, one.contact)
            if one.kind != "chat" or one.hops or pair in self._shown or seconds < ASK_S or not self._is_there(one, now):
                continue
            sender = f"{one.agent}/{RESOURCE}"
            if one.sender not in self._knows:
                told.append(self._ask(sender, one.sender))
            elif self._knows[one.sender] and seconds >= NOTICE_S:
                shown = Shown(str(self._draw_id()), sender, one.sender)
                self._put(self._shown, pair, shown)
                told.append(working_notice(sender, one.sender, shown.id))
        return told

    def learn(self, answer: Element) -> bool:
        """Hears a result or an error; False when it answers nothing that was asked here."""
        client = self._asked.get(answer.get("id", "")) if answer.get("type") in ("result", "error") else None
        if client is None or client != answer.get("from") or kind_of(answer) != "iq":
            return False
        del self._asked[answer.get("id", "")]
        self._put(self._knows, client, knows_corrections(answer))
        return True

    def end(self, pair: Pair) -> Shown | None:
        """The turn of a conversation is over; the notice about it, if somebody was shown one."""
        return self._shown.pop(pair, None)

    @staticmethod
    def without_answer(shown: Shown, sentence: str) -> Element:
        """What becomes of a notice that no answer follows."""
        return taken_back(shown.sender, shown.to, shown.id, sentence)

    def _is_there(self, one: Open, now: float) -> bool:
        client, at = self._heard.get((one.agent, one.contact), ("", 0.0))
        return client == one.sender and now - at <= FRESH_S

    def _ask(self, sender: str, client: str) -> Element:
        query_id = f"client-{self._draw_id()}"
        self._put(self._asked, query_id, client)
        self._put(self._knows, client, False)
        return asks_client(sender, client, query_id)

    def _put(self, into: OrderedDict[Key, Value], key: Key, value: Value) -> None:
        into[key] = value
        into.move_to_end(key)
        if len(into) > self._limit:
            into.popitem(last=False)
