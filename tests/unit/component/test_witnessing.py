"""Two hubs, one ledger each: what is co-signed, and how a rewritten one is found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import structlog

from component.hubs import HubKeys
from component.requests import NotAnswered
from component.witnessing import AGAIN_S, Known, Witness, Witnessing
from policy.cosignatures import cosigners, with_lines
from policy.hub_documents import HubDocument
from policy.ledger import Record
from policy.merkle import Frontier, Node, consistency_ranges, leaf_hash, range_hash
from policy.notes import Checkpoint, SignerKey, sign
from policy.peers import Peer
from policy.witness import No, Refused, Seen
from registry.checkpoints import StoredCheckpoint
from registry.hub_documents import Pinned
from registry.witness import Cosignature, SeenLog

A, B = "a.example", "b.example"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
LOG: Any = structlog.get_logger()
SIGNER = SignerKey(f"{A}/ledger", bytes(range(32)))
KEYS = HubKeys(B, {1: bytes(range(1, 33))})


class Clock:
    """In the test's hand."""

    at = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.at


class Store:
    """Of one hub, in memory."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        self.ledger = [f"record {number}".encode() for number in range(3)]
        self.logs: dict[str, SeenLog] = {}
        self.lines: list[Cosignature] = []
        self.records: list[Record] = []
        self.documents: dict[str, Pinned] = {}
        self.others: dict[str, Peer] = {}

    def known(self) -> Known:
        return Known(
            self.peers,
            self.pinned,
            self.seen,
            self.remember,
            self.forked,
            self.newest,
            self.largest,
            self.consistency,
            self.keep,
            self.append,
        )

    def nodes(self, size: int) -> tuple[Frontier, Mapping[Node, bytes]]:
        nodes: dict[Node, bytes] = {(0, at): leaf_hash(record) for at, record in enumerate(self.ledger[:size])}
        tree = Frontier()
        tree.extend([nodes[0, at] for at in range(size)], nodes.__setitem__)
        return tree, nodes

    async def peers(self) -> Mapping[str, Peer]:
        return self.others

    async def pinned(self, domain: str) -> Pinned | None:
        return self.documents.get(domain)

    async def seen(self, origin: str) -> SeenLog | None:
        return self.logs.get(origin)

    async def remember(self, domain: str, found: Checkpoint, note: str, before: Seen | None, now: datetime) -> bool:
        there = self.logs.get(found.origin)
        if (there.seen if there else None) != before:
            return False
        self.logs[found.origin] = SeenLog(found.origin, domain, Seen(found.size, found.root), note, now)
        return True

    async def forked(self, origin: str, note: str, now: datetime) -> bool:
        there = self.logs[origin]
        self.logs[origin] = SeenLog(origin, there.domain, there.seen, there.note, there.seen_at, now, note)
        return there.forked_at is None

    async def newest(self) -> StoredCheckpoint | None:
        size = len(self.ledger)
        tree, _ = self.nodes(size)
        note = sign(Checkpoint(f"{self.domain}/ledger", size, tree.root()).text, [SIGNER])
        return StoredCheckpoint(size, tree.root(), b"", (), note, NOW)

    async def largest(self, witness: str) -> int:
        return max([one.size for one in self.lines if one.witness == witness], default=0)

    async def consistency(self, old: int, size: int) -> Sequence[bytes]:
        _, nodes = self.nodes(size)
        return [range_hash(part, nodes) for part in consistency_ranges(old, size)]

    async def keep(self, found: Cosignature) -> bool:
        self.lines.append(found)
        return True

    async def append(self, records: Sequence[Record]) -> None:
        self.records += records

    @property
    def events(self) -> list[str]:
        return [record.event_type for record in self.records]


class World:
    """Hub A has its ledger co-signed by hub B."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.a, self.b = Store(A), Store(B)
        self.a.others = {B: Peer(B, see=True)}
        witnesses = tuple(one.verifier for one in KEYS.witnesses)
        about_b = HubDocument(B, 1, tuple(one.verifier for one in KEYS.signers), witnesses, ())
        about_a = HubDocument(A, 1, (), (), (SIGNER.verifier,))
        self.a.documents[B] = Pinned(about_b, "", NOW, NOW)
        self.b.documents[A] = Pinned(about_a, "", NOW, NOW)
        self.witness = Witness(lambda: KEYS, self.b.known(), self.clock, LOG)
        self.witnessing = Witnessing(self.a.known(), self, self.clock, LOG)  # type: ignore[arg-type]
        self.asked = 0
        self.silent = False

    async def ask(self, make: Any, _seconds: float) -> Element:
        self.asked += 1
        if self.silent:
            raise NotAnswered("nobody is there")
        return await self.witness.answer(make("agents.a.example", f"q{self.asked}"))

    def grow(self, *records: str) -> None:
        self.a.ledger += [record.encode() for record in records]

    @property
    def sizes(self) -> list[int]:
        return [one.size for one in self.a.lines]


async def test_each_new_checkpoint_is_co_signed_once() -> None:
    world = World()
    await world.witnessing.look()
    await world.witnessing.look()
    world.grow("four", "five")
    await world.witnessing.look()
    assert (world.sizes, world.asked) == ([3, 5], 2)
    newest = await world.a.newest()
    assert newest is not None
    note = with_lines(newest.note, [world.a.lines[-1].line])
    assert cosigners(note, [KEYS.witnesses[0].verifier])[0].seconds == int(NOW.timestamp())


async def test_a_rewritten_ledger_is_found_out_at_the_next_checkpoint() -> None:
    world = World()
    await world.witnessing.look()
    world.a.ledger[1] = b"another record"
    world.grow("four")
    await world.witnessing.look()
    assert world.sizes == [3]
    assert world.b.events == ["witness.forked"]
    assert world.b.logs[f"{A}/ledger"].forked_at is not None
    assert world.a.events == ["witness.doubted"], "it stands in its own ledger, too"


@pytest.mark.control
async def test_control_a_witness_that_forgets_signs_the_rewritten_one() -> None:
    world = World()
    await world.witnessing.look()
    world.a.ledger[1] = b"another record"
    world.grow("four")
    world.b.logs.clear()
    await world.witnessing.look()
    world.clock.at += AGAIN_S
    await world.witnessing.look()
    assert world.sizes == [3, 4]


async def test_what_was_found_out_is_never_signed_again() -> None:
    world = World()
    await world.witnessing.look()
    honest = list(world.a.ledger)
    world.a.ledger[1] = b"another record"
    world.grow("four")
    await world.witnessing.look()
    world.a.ledger = [*honest, b"four"]
    world.clock.at += AGAIN_S
    await world.witnessing.look()
    assert world.sizes == [3]
    assert (world.b.events, world.a.events) == (["witness.forked"], ["witness.doubted"]), "once, not at each look"


async def test_a_ledger_that_was_cut_short_is_not_signed() -> None:
    world = World()
    world.grow("four", "five")
    await world.witnessing.look()
    del world.a.ledger[3:]
    world.a.lines.clear()
    for _ in range(3):
        await world.witnessing.look()
    assert world.sizes == []
    world.grow("another four", "another five", "six")
    world.clock.at += AGAIN_S
    for _ in range(3):
        await world.witnessing.look()
    assert world.b.events == ["witness.forked"]


async def test_who_forgot_how_far_it_is_asks_and_goes_on_from_there() -> None:
    world = World()
    await world.witnessing.look()
    world.a.lines.clear()
    world.grow("four")
    await world.witnessing.look()
    await world.witnessing.look()
    assert world.sizes == [4]
    assert world.b.events == []


async def test_who_is_silent_is_asked_again_later() -> None:
    world = World()
    world.silent = True
    await world.witnessing.look()
    await world.witnessing.look()
    assert world.asked == 1
    world.silent, world.clock.at = False, AGAIN_S
    await world.witnessing.look()
    assert world.sizes == [3]


async def test_who_is_not_introduced_shows_no_log() -> None:
    world = World()
    world.b.documents.clear()
    newest = await world.a.newest()
    assert newest is not None
    assert await world.witness.cosign(A, f"old 0\n\n{newest.note}") == Refused(No.UNKNOWN_LOG)
    assert await world.witness.cosign("c.example", f"old 0\n\n{newest.note}") == Refused(No.UNKNOWN_LOG)
    assert await world.witness.cosign(A, "hello") == Refused(No.MALFORMED)


async def test_two_requests_at_once_do_not_both_go_on_from_the_same() -> None:
    world = World()
    newest = await world.a.newest()
    assert newest is not None

    async def another_was_faster(*_: Any) -> bool:
        return False

    known = world.b.known()
    slow = Witness(lambda: KEYS, Known(**{**_fields(known), "remember": another_was_faster}), world.clock, LOG)
    assert await slow.cosign(A, f"old 0\n\n{newest.note}") == Refused(No.OTHER_SIZE)


def _fields(known: Known) -> dict[str, Any]:
    return {name: getattr(known, name) for name in Known.__slots__}


async def test_a_cosignature_of_another_key_is_not_kept() -> None:
    world = World()
    world.witness = Witness(lambda: HubKeys(B, {1: bytes(32)}), world.b.known(), world.clock, LOG)
    await world.witnessing.look()
    assert world.sizes == []
