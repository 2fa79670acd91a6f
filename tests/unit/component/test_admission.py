from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from aiox.kernel.envelope import MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import agent_id_of, partition_of
from aiox.runtime.nats import inbound_subject
from aiox.runtime.telemetry import Telemetry
from aiox.wire.codec import decode
from component import admission as module
from component.admission import Admission, Chance
from component.buckets import Buckets
from component.talk import Talk
from tests.unit.component.fakes import FakeBus, FakeLink, HandClock, settle
from tests.unit.component.stanzas import AGENT, message

ASKING = '<request xmlns="urn:xmpp:receipts"/><active xmlns="http://jabber.org/protocol/chatstates"/>'


@dataclass
class Room:
    admission: Admission
    bus: FakeBus
    link: FakeLink
    clock: HandClock
    telemetry: Telemetry

    def bodies(self) -> list[str]:
        payloads = [decode(data).payload for _, data in self.bus.stored]
        return [payload.body for payload in payloads if isinstance(payload, MessageReceived)]


@asynccontextmanager
async def room(
    folder: Path, *, sampled: bool = False, burst: int = 1000, proof: Callable[[str], str] = lambda _: ""
) -> AsyncIterator[Room]:
    bus, link, clock, telemetry = FakeBus(), FakeLink(), HandClock(), Telemetry("component", folder)
    chance = Chance(uuid4, lambda: sampled)
    buckets = Buckets(60, burst)
    made = Admission(
        bus, link.send, buckets, Talk(clock), telemetry, clock, structlog.get_logger(), chance, proof=proof
    )
    tasks = [asyncio.create_task(made.work()) for _ in range(4)]
    try:
        yield Room(made, bus, link, clock, telemetry)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        telemetry.close()


async def test_receipt_comes_only_after_the_message_is_stored(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.bus.gate.clear()
        it.admission.receive(message(f"<body>hi</body>{ASKING}"))
        await settle()
        assert it.link.sent == []
        it.bus.gate.set()
        await settle()
        assert ["<received " in text for text in it.link.sent] == [True, False]
        assert "<composing " in it.link.sent[1]


async def test_nothing_is_sent_to_one_who_asked_for_nothing(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.admission.receive(message("<body>hi</body>"))
        await settle()
        assert (it.bodies(), it.link.sent) == (["hi"], [])


async def test_subject_carries_the_partition_and_the_envelope_derived_ids(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        for _ in range(2):
            it.admission.receive(message("<body>hi</body>"))
        await settle()
        ((subject, data),) = it.bus.stored
        agent = agent_id_of(AGENT.partition("@")[0])
        assert subject == inbound_subject(partition_of("alice@hub.test", agent))
        envelope = decode(data)
        assert (envelope.channel, envelope.type, envelope.traceparent) == ("xmpp", "message.received", "")


async def test_a_message_that_is_stored_already_is_receipted_and_shows_no_composing(tmp_path: Path) -> None:
    """Nothing will be sent for it that could end "composing"."""
    async with room(tmp_path) as it:
        for _ in range(2):
            it.admission.receive(message(f"<body>hi</body>{ASKING}"))
            await settle()
        assert len(it.bus.stored) == 1
        assert ["<received " in text for text in it.link.sent] == [True, False, True]
        assert ["<composing " in text for text in it.link.sent] == [False, True, False]


async def test_messages_without_an_id_are_never_duplicates(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        for _ in range(2):
            it.admission.receive(message("<body>hi</body>", 'type="chat"'))
        await settle()
        assert len(it.bus.stored) == 2


async def test_bus_down_is_said_and_the_message_can_be_sent_again(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.bus.down = True
        it.admission.receive(message(f"<body>hi</body>{ASKING}"))
        await settle()
        (text,) = it.link.sent
        assert 'code="HUB_BUSY"' in text
        assert 'type="wait"' in text
        it.bus.down = False
        it.admission.receive(message(f"<body>hi</body>{ASKING}"))
        await settle()
        assert it.bodies() == ["hi"]


async def test_conversation_is_stored_in_order(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.bus.gate.clear()
        for number in range(20):
            it.admission.receive(message(f"<body>{number}</body>", f'type="chat" id="{number}"'))
        await settle()
        it.bus.gate.set()
        await settle()
        assert it.bodies() == [str(number) for number in range(20)]


async def test_flood_is_limited_per_bare_address_and_refills(tmp_path: Path) -> None:
    async with room(tmp_path, burst=2) as it:
        for number in range(4):
            it.admission.receive(message("<body>hi</body>", f'id="{number}"', f"alice@hub.test/{number}"))
        it.admission.receive(message("<body>hi</body>", 'id="b"', "bob@hub.test/1"))
        await settle()
        assert len(it.bus.stored) == 3
        assert ['code="RATE_LIMITED"' in text for text in it.link.sent] == [True, True]
        it.clock.seconds = 1.0
        it.admission.receive(message("<body>hi</body>", 'id="late"'))
        await settle()
        assert len(it.bus.stored) == 4


async def test_full_waiting_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    async with room(tmp_path) as it:
        it.bus.gate.clear()
        for number in range(3):
            it.admission.receive(message("<body>hi</body>", f'id="{number}"'))
        (text,) = it.link.sent
        assert f'code="{ErrorCode.HUB_BUSY}"' in text
        assert 'id="2"' in text


async def test_bug_while_storing_is_an_error_and_does_not_stop_the_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as it:
        with monkeypatch.context() as patched:
            patched.setattr(module, "encode", lambda _: 1 / 0)
            it.admission.receive(message("<body>first</body>"))
            await settle()
        assert 'code="INTERNAL"' in it.link.sent[0]
        it.admission.receive(message("<body>second</body>", 'id="q2"'))
        await settle()
        assert it.bodies() == ["second"]


async def test_closing_refuses_what_comes_and_waits_for_what_is_here(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.admission.receive(message("<body>first</body>"))
        await it.admission.close()
        assert it.bodies() == ["first"]
        it.admission.receive(message("<body>late</body>", 'id="q2"'))
        assert 'code="HUB_BUSY"' in it.link.sent[0]


@pytest.mark.parametrize("sender", ["hub.test", "", "@"])
async def test_sender_that_nobody_vouches_for_hears_nothing(tmp_path: Path, sender: str) -> None:
    async with room(tmp_path) as it:
        it.admission.receive(message("<body>hi</body>", sender=sender))
        await settle()
        assert (it.bus.stored, it.link.sent) == ([], [])


async def test_sampled_message_has_three_spans_in_one_trace(tmp_path: Path) -> None:
    async with room(tmp_path, sampled=True) as it:
        it.admission.receive(message("<body>hi</body>"))
        await settle()
        traceparent = decode(it.bus.stored[0][1]).traceparent
    spans = [json.loads(line) for line in (tmp_path / "traces" / "component.jsonl").read_text().splitlines()]
    names = {span["name"]: span for span in spans}
    assert set(names) == {"message", "01 stanza received", "02 sender vouched for", "03 admitted to jetstream"}
    assert {span["trace_id"] for span in spans} == {traceparent.split("-")[1]}
    root = names.pop("message")
    assert {span["parent_id"] for span in names.values()} == {root["span_id"]}
    assert names["01 stanza received"]["attributes"]["aiox.turn_id"]


async def test_how_the_senders_domain_was_proven_goes_along(tmp_path: Path) -> None:
    async with room(tmp_path, proof=lambda jid: f"of {jid}") as it:
        it.admission.receive(message("<body>hi</body>"))
        await settle()
        [stored] = [decode(data).payload for _, data in it.bus.stored]
        assert isinstance(stored, MessageReceived)
        assert stored.proof == f"of {stored.sender_full}"
