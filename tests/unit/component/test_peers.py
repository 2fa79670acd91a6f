"""What comes from other servers: a stranger hears one refusal, who is shut out nothing, a peer gets what it may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
import structlog

from aiox.kernel.errors import ErrorCode
from component.peers import KNOCKED, READ_S, REFUSALS_PER_MINUTE, REFUSED, STALE_S, Known, PeerDoor
from policy.ledger import Record
from policy.peers import Peer, Proof, Standing
from registry.peers import Snapshot
from tests.unit.component.fakes import FakeLink, HandClock, settle
from tests.unit.component.stanzas import AGENT, parse

BOB = "bob@other.test/phone"
BODY = "<body>hello</body>"


@dataclass
class Registry:
    """The list of peers in memory; `away` makes it unreadable."""

    peers: dict[str, Peer] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    rows: list[Record] = field(default_factory=list)
    away: bool = False
    reads: int = 0

    def allow(self, name: str, **switches: bool) -> None:
        self.peers[name] = Peer(name, **switches)  # type: ignore[arg-type]

    async def read(self) -> Snapshot:
        self.reads += 1
        self._answer()
        return Snapshot(dict(self.peers), frozenset(self.asked))

    async def note(self, domain: str, _now: datetime) -> bool:
        self._answer()
        new = domain not in self.asked
        self.asked.add(domain)
        return new

    async def append(self, rows: Sequence[Record]) -> None:
        self.rows += rows

    def _answer(self) -> None:
        if self.away:
            raise ConnectionError("away")


@dataclass
class World:
    registry: Registry
    link: FakeLink
    clock: HandClock
    door: PeerDoor
    changes: int = 0

    def let_in(self, text: str) -> bool:
        """Whether a stanza gets past the door."""
        return not self.door.takes(parse(text))

    def say(self, sender: str = BOB, inner: str = BODY, kind: str = "chat", to: str = AGENT) -> bool:
        return self.let_in(f'<message from="{sender}" to="{to}" type="{kind}" id="q">{inner}</message>')

    def ask(self, sender: str = BOB, kind: str = "get") -> bool:
        return self.let_in(
            f'<iq from="{sender}" to="agents.hub.test" type="{kind}" id="q">'
            '<query xmlns="http://jabber.org/protocol/disco#items"/></iq>'
        )

    def subscribe(self, sender: str = "bob@other.test", kind: str = "subscribe") -> bool:
        return self.let_in(f'<presence from="{sender}" to="{AGENT}" type="{kind}"/>')

    async def read(self) -> None:
        """Lets the door read its list once more."""
        before = self.registry.reads
        async with asyncio.timeout(60):
            while self.registry.reads == before:
                await asyncio.sleep(0.001)
        await settle()


@asynccontextmanager
async def opened(registry: Registry, monkeypatch: pytest.MonkeyPatch, per_minute: int = 600) -> AsyncIterator[World]:
    monkeypatch.setattr("component.peers.READ_S", 0.001)
    link, clock = FakeLink(), HandClock()
    known = Known(registry.read, registry.note, registry.append)
    door = PeerDoor(known, link.send, "hub.test", per_minute, clock, structlog.get_logger())
    world = World(registry, link, clock, door)

    def changed(_: object) -> None:
        world.changes += 1

    tasks = [asyncio.ensure_future(door.follow(changed)), asyncio.ensure_future(door.note())]
    try:
        await world.read()
        yield world
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with opened(Registry(), monkeypatch) as one:
        yield one


@pytest.mark.parametrize("domain", ["hub.test", "agents.hub.test", "conference.hub.test"])
async def test_what_our_own_server_says_is_not_judged_here(world: World, domain: str) -> None:
    assert world.say(f"alice@{domain}/x")
    assert world.ask(domain)
    assert world.subscribe(f"alice@{domain}")
    assert world.link.sent == []


async def test_how_a_domain_was_proven_is_known_of_peers_and_of_our_own(world: World) -> None:
    world.registry.peers["other.test"] = Peer("other.test", invoke=True, proof=Proof.PINNED)
    await world.read()
    assert world.door.proof(BOB) == "pinned"
    assert world.door.proof("ada@third.test") == "certificate"
    for ours in ("ada@hub.test/x", "agent@agents.hub.test", "", "hub.test"):
        assert world.door.proof(ours) == "local"


async def test_a_stranger_hears_one_refusal_and_then_nothing(world: World) -> None:
    assert not world.say()
    assert [ErrorCode.PEER_UNKNOWN in text for text in world.link.sent] == [True]
    assert 'to="bob@other.test/phone"' in world.link.sent[0]
    for _ in range(3):
        assert not world.say()
        assert not world.ask()
        assert not world.subscribe()
        assert not world.say("eve@other.test/x")
        assert not world.say("agent-2@agents.other.test/aiox")
    assert len(world.link.sent) == 1
    await settle()
    assert world.registry.asked == {"other.test"}
    assert [(row.event_type, row.details["peer"]) for row in world.registry.rows] == [(KNOCKED, "other.test")]


async def test_what_is_no_question_gets_no_refusal_and_is_no_knock(world: World) -> None:
    assert not world.say(inner="<active xmlns='http://jabber.org/protocol/chatstates'/>")
    assert not world.say(kind="error")
    assert not world.say(kind="groupchat")
    assert not world.say(kind="headline")
    assert not world.ask(kind="result")
    assert not world.ask(kind="error")
    for kind in ("probe", "unsubscribe", "unavailable", "error"):
        assert not world.subscribe(kind=kind)
    await settle()
    assert world.link.sent == []
    assert world.registry.asked == set()


async def test_who_waits_already_is_not_answered_by_a_door_that_was_started_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(Registry(asked={"other.test"}), monkeypatch) as world:
        assert not world.say()
        assert world.link.sent == []


@pytest.mark.parametrize("standing", [Standing.BLOCKED, Standing.FROZEN])
async def test_who_is_shut_out_gets_nothing(world: World, standing: Standing) -> None:
    world.registry.peers["other.test"] = Peer("other.test", standing, see=True, invoke=True, spend=True)
    await world.read()
    assert not world.say()
    assert not world.ask()
    assert not world.ask(kind="result")
    assert not world.subscribe()
    await settle()
    assert world.link.sent == []
    assert world.registry.asked == set()


async def test_who_may_see_only_gets_no_word_in(world: World) -> None:
    world.registry.allow("other.test", see=True)
    await world.read()
    assert world.ask()
    assert world.subscribe()
    assert world.door.sees(BOB)
    assert not world.say()
    assert [ErrorCode.ACCESS_DENIED in text for text in world.link.sent] == [True]


async def test_who_may_invoke_only_sees_nothing(world: World) -> None:
    world.registry.allow("other.test", invoke=True)
    await world.read()
    assert world.say()
    assert not world.door.sees(BOB)
    assert not world.subscribe()
    assert world.link.sent == []
    assert not world.ask()
    assert ["service-unavailable" in text for text in world.link.sent] == [True]
    assert world.ask(kind="result"), "answers to what we have asked come in"


async def test_all_the_people_of_a_peer_share_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    registry.allow("other.test", invoke=True)
    registry.allow("third.test", invoke=True)
    async with opened(registry, monkeypatch, per_minute=5) as world:
        assert [world.say(f"u{number}@other.test/x") for number in range(12)] == [True] * 10 + [False] * 2
        assert [ErrorCode.RATE_LIMITED in text for text in world.link.sent] == [True] * 2
        assert world.say("u@third.test/x"), "another peer has its own"
        assert world.say("u1@other.test/x", inner="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
        world.clock.seconds += 12
        registry_read = world.read()
        await registry_read
        assert world.say("u99@other.test/x")
        assert not world.say("u98@other.test/x")


async def test_a_change_holds_from_the_next_look_on_and_is_told(world: World) -> None:
    world.registry.allow("other.test", see=True)
    await world.read()
    assert world.ask()
    assert world.changes == 1
    del world.registry.peers["other.test"]
    await world.read()
    assert not world.ask()
    assert world.changes == 2
    await world.read()
    assert world.changes == 2


async def test_a_list_that_is_too_old_lets_nobody_in_and_says_nothing(world: World) -> None:
    world.registry.allow("other.test", see=True, invoke=True)
    await world.read()
    world.registry.away = True
    world.clock.seconds += STALE_S - 1
    assert world.say()
    world.clock.seconds += 2
    assert not world.say()
    assert not world.ask()
    assert world.link.sent == []
    world.registry.away = False
    await world.read()
    assert world.say()


async def test_before_the_first_look_nobody_is_let_in() -> None:
    registry, link, clock = Registry(), FakeLink(), HandClock()
    registry.allow("other.test", see=True, invoke=True)
    known = Known(registry.read, registry.note, registry.append)
    door = PeerDoor(known, link.send, "hub.test", 600, clock, structlog.get_logger())
    assert door.takes(parse(f'<message from="{BOB}" to="{AGENT}"><body>hi</body></message>'))
    assert link.sent == []


async def test_a_knock_that_could_not_be_noted_may_come_again(world: World) -> None:
    world.registry.away = True
    assert not world.say()
    await settle()
    assert world.registry.asked == set()
    world.registry.away = False
    await world.read()
    assert not world.say()
    await settle()
    assert world.registry.asked == {"other.test"}


async def test_many_invented_domains_cost_a_bounded_number_of_refusals_and_bounded_memory(world: World) -> None:
    for number in range(REFUSED + 500):
        assert not world.say(f"u@d{number}.test/x")
    assert len(world.link.sent) == REFUSALS_PER_MINUTE
    assert len(world.door._refused) <= REFUSED
    assert READ_S < STALE_S
