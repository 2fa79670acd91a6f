"""Edges of the door for unit tests: a bus and a link in memory, a clock by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId, TurnId
from aiox.kernel.jid import BareJid
from component.bus import BusBusy
from component.link import LinkLost
from component.stanza_xml import to_text
from component.stanzas_in import Question, Sender, read_message
from component.talk import Talk
from registry.cards import Card
from tests.unit.component.stanzas import ALICE, message


@dataclass
class FakeBus:
    """Keeps what is stored; refuses while `down`; waits while `gate` is closed."""

    stored: list[tuple[str, bytes]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    down: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def store(self, subject: str, data: bytes, message_id: str) -> bool:
        await self.gate.wait()
        if self.down:
            raise BusBusy("down")
        if message_id and message_id in self.seen:
            return False
        self.seen.add(message_id)
        self.stored.append((subject, data))
        return True


@dataclass
class FakeLink:
    """Keeps what is sent. `confirm` returns when `pong` is set and fails when `breaks` is called.

    With `entries` it waits for `entered`, too.
    """

    up: bool = True
    session: int = 1
    sent: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    """Ids of stanzas that may not leave."""
    confirms: int = 0
    pong: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, element: Element) -> bool:
        if element.get("id") in self.refuses:
            return False
        if self.up:
            self.sent.append(to_text(element))
        return self.up

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        self.confirms += 1
        if entries:
            await self.entered.wait()
        if not self.up:
            raise LinkLost("no link")
        session = self.session
        await self.pong.wait()
        if self.session != session:
            raise LinkLost("the link broke")
        return session

    def breaks(self) -> None:
        self.up = False
        self.session += 1
        self.pong.set()

    def returns(self) -> None:
        self.up = True
        self.pong.set()


@dataclass
class HandClock:
    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


async def nobody(asked: Sequence[tuple[AgentId, BareJid]]) -> list[Card | None]:
    """A registry without agents."""
    return [None] * len(asked)


async def no_picture(_agent: AgentId, _asker: BareJid) -> Image | None:
    return None


def opened(talk: Talk, turn: TurnId, extra: str = "", message_id: str = "q1", body: str = "hi") -> list[str]:
    """A question that was admitted; what its sender is told."""
    states = '<active xmlns="http://jabber.org/protocol/chatstates"/>'
    stanza = message(f"<body>{body}</body>{states}{extra}", f'type="chat" id="{message_id}"')
    found = read_message(stanza, Sender(ALICE, BareJid("alice@hub.test")), lambda: turn)
    assert isinstance(found, Question)
    return [to_text(one) for one in talk.admitted(replace(found, received=replace(found.received, turn_id=turn)))]


async def settle() -> None:
    """Lets everything that can run, run."""
    for _ in range(50):
        await asyncio.sleep(0)
