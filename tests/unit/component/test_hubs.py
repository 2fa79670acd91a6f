"""Documents of other hubs: had at introduction, followed, and doubted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

import structlog

from aiox.kernel.jid import BareJid
from component.features.hubs import answer_document, ask_document, document_in
from component.hubs import AGAIN_S, FRESH_S, HubKeys, Hubs, Known, hubs_of
from component.requests import NotAnswered
from policy.hub_documents import HubDocument, believe
from policy.ledger import Record
from policy.peers import Peer, Standing
from registry.cards import Listing
from registry.hub_documents import Pinned

A, B = "a.example", "b.example"
LOG: Any = structlog.get_logger()


class Clock:
    """In the test's hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(1_800_000_000 + self.at, UTC)

    def monotonic(self) -> float:
        return self.at


def keys(domain: str, *seeds: int) -> HubKeys:
    return HubKeys.read(domain, "\n".join(f"{number}:{bytes([number] * 32).hex()}" for number in seeds))


class World:
    """Hub A, and what it knows of hub B; what B answers is in the test's hand."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.peers = {B: Peer(B, see=True)}
        self.documents: dict[str, Pinned] = {}
        self.records: list[Record] = []
        self.asked: list[Element] = []
        self.there = keys(B, 1)
        self.silent = False
        self.ahead_s = 0.0
        self.hubs = self.hub(A, keys(A, 9))

    def hub(self, domain: str, own: HubKeys) -> Hubs:
        known = Known(
            self.known, self.pinned, self.put, self.freeze, self.nothing, self.visible, self.nobody, self.append
        )
        return Hubs(domain, lambda: own, known, self, self.clock, LOG)  # type: ignore[arg-type]

    async def ask(self, make: Any, _seconds: float) -> Element:
        query = make("agents.a.example", "q")
        self.asked.append(query)
        if self.silent:
            raise NotAnswered("nobody is there")
        other = self.hub(B, self.there)
        self.clock.at += self.ahead_s
        try:
            return answer_document(query, await other.document(BareJid(f"hub@{A}")))
        finally:
            self.clock.at -= self.ahead_s

    async def known(self) -> dict[str, Peer]:
        return self.peers

    async def pinned(self, domain: str) -> Pinned | None:
        return self.documents.get(domain)

    async def put(self, document: HubDocument, note: str, now: datetime) -> bool:
        self.documents[document.domain] = Pinned(document, note, now, now)
        return True

    async def freeze(self, name: str, _now: datetime) -> bool:
        before = self.peers[name]
        self.peers[name] = Peer(name, Standing.FROZEN, see=before.see)
        return before.standing is Standing.ALLOWED

    async def nothing(self) -> Sequence[Any]:
        return ()

    async def visible(self, *_: Any) -> Listing:
        return Listing((), 0)

    async def nobody(self, *_: Any) -> None:
        return None

    async def append(self, records: Sequence[Record]) -> None:
        self.records += records

    @property
    def events(self) -> list[str]:
        return [record.event_type for record in self.records]


async def test_the_keys_of_a_hub_are_pinned_at_introduction_and_it_is_asked_again_later() -> None:
    world = World()
    await world.hubs.look()
    assert world.documents[B].document.keys == (keys(B, 1).signers[0].verifier,)
    assert world.asked[0].get("to") == "agents.b.example"
    await world.hubs.look()
    assert (len(world.asked), world.events) == (1, ["peer.pinned"])
    world.clock.at += FRESH_S
    await world.hubs.look()
    assert (len(world.asked), world.events) == (2, ["peer.pinned"])


async def test_a_key_that_changes_with_overlap_is_followed() -> None:
    world = World()
    for seeds in ((1,), (1, 2), (2,)):
        world.there = keys(B, *seeds)
        await world.hubs.look()
        world.clock.at += FRESH_S
    assert world.documents[B].document.keys == (keys(B, 2).signers[0].verifier,)
    assert world.peers[B].standing is Standing.ALLOWED


async def test_a_changed_key_without_proof_freezes_the_peer_and_is_on_record() -> None:
    world = World()
    await world.hubs.look()
    pinned = world.documents[B]
    world.there = keys(B, 3)
    world.clock.at += FRESH_S
    await world.hubs.look()
    assert world.peers[B].standing is Standing.FROZEN
    assert (world.documents[B], world.events) == (pinned, ["peer.pinned", "peer.frozen"])
    world.clock.at += FRESH_S
    await world.hubs.look()
    assert len(world.asked) == 2, "nothing goes on with it"


async def test_an_old_document_changes_nothing_and_freezes_nobody() -> None:
    world = World()
    early = await world.hub(B, world.there).document(BareJid(f"hub@{A}"))
    world.clock.at += 5
    await world.hubs.look()
    newer = world.documents[B]
    await world.hubs.heard(B, early)
    assert (world.documents[B], world.peers[B].standing) == (newer, Standing.ALLOWED)


async def test_a_hub_whose_clock_is_ahead_is_pinned_when_it_is_right_and_never_frozen() -> None:
    world = World()
    world.ahead_s = 3600.0
    await world.hubs.look()
    assert (world.documents, world.peers[B].standing) == ({}, Standing.ALLOWED)
    world.ahead_s, world.clock.at = 0.0, world.clock.at + FRESH_S
    await world.hubs.look()
    assert world.events == ["peer.pinned"]
    for seeds in ((1, 2), (2,)):
        world.there = keys(B, *seeds)
        world.clock.at += FRESH_S
        await world.hubs.look()
    assert world.documents[B].document.keys == (keys(B, 2).signers[0].verifier,), "its keys change as ever"


async def test_who_does_not_answer_is_asked_ever_more_seldom() -> None:
    world = World()
    world.silent = True
    await world.hubs.look()
    world.clock.at += AGAIN_S - 1
    await world.hubs.look()
    assert len(world.asked) == 1
    world.clock.at += 1
    await world.hubs.look()
    world.clock.at += AGAIN_S
    await world.hubs.look()
    assert len(world.asked) == 2, "twice as long the second time"


async def test_only_those_who_may_see_are_asked_and_no_person() -> None:
    peers = [
        Peer(B, see=True),
        Peer("agents.c.example", see=True),
        Peer("blind.example", invoke=True),
        Peer("ada@d.example", see=True),
        Peer("e.example", Standing.BLOCKED, see=True),
    ]
    assert hubs_of({one.name: one for one in peers}) == [B, "c.example"]


async def test_our_own_document_is_signed_by_all_our_keys() -> None:
    world = World()
    query = ask_document("agents.b.example", "agents.a.example", "q")
    note = document_in(await world.hub(A, keys(A, 4, 5)).answer(query))
    found = believe(note, A, None, round(world.clock.now().timestamp() * 1000))
    assert isinstance(found, HubDocument)
    assert [key.name for key in found.keys] == [f"{A}/hub"] * 2
    assert [key.name for key in found.witnesses] == [f"{A}/witness"] * 2


async def test_a_hub_that_is_introduced_anew_is_asked_at_once() -> None:
    world = World()
    world.silent = True
    for _ in range(3):
        await world.hubs.look()
        world.clock.at += FRESH_S
    world.peers.clear()
    await world.hubs.look()
    world.peers[B], asked = Peer(B, see=True), len(world.asked)
    await world.hubs.look()
    world.silent, world.clock.at = False, world.clock.at + AGAIN_S
    await world.hubs.look()
    assert (len(world.asked), list(world.documents)) == (asked + 2, [B])
