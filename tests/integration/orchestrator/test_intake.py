"""From a real bus: in order, once, again when an owner died or the bus was away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast
from unittest.mock import AsyncMock, MagicMock

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from aiox.cli.stack import nats as nats_part
from aiox.cli.stack.processes import Process
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime import nats
from aiox.wire.codec import encode
from orchestrator import intake as intake_module
from orchestrator.deliveries import Delivery, InHand
from orchestrator.intake import Intake
from tests.stack import Place, new_place
from tests.unit.orchestrator.messages import received

PARTITION = 3
SOON_S = 60.0
PATIENT_S = 3
"""The bus delivers again after so long: ten times as long as the owner's signals are apart, on a busy machine too."""


class Bus:
    """A NATS server of our own, to be killed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.process: Process | None = None

    async def start(self) -> None:
        self.process = await nats_part.start(self.place.home, self.place.settings)

    async def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.stop()

    async def connect(self, service: str, reconnects: nats.Reconnects | None = None) -> Client:
        place = self.place
        return await nats.connect(place.settings, place.home.secrets(service), service, MagicMock(), reconnects)


class Owner:
    """Somebody who drains the partition and keeps what comes, without acknowledging it."""

    def __init__(self, client: Client, reconnects: nats.Reconnects) -> None:
        self.got: list[Delivery] = []
        self.in_hand = InHand(MagicMock(), signal_s=0.3)
        self.intake = Intake(client, reconnects, self.in_hand, self.put, MagicMock())
        self.draining: asyncio.Task[None] | None = None

    async def put(self, delivery: Delivery) -> None:
        self.got.append(delivery)

    def start(self, fence: int) -> None:
        self.draining = asyncio.create_task(self.intake.drain(PARTITION, fence))

    async def stop(self) -> None:
        if self.draining is not None:
            self.draining.cancel()
            await asyncio.wait([self.draining])

    @property
    def bodies(self) -> list[str]:
        return [delivery.turn.message.body for delivery in self.got]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not holds():
                await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
async def bus() -> AsyncIterator[Bus]:
    with TemporaryDirectory(prefix="aiox-test-") as folder:
        one = Bus(new_place(Path(folder)))
        await one.start()
        yield one
        assert one.process is not None
        await one.process.stop()


@pytest.fixture
async def owners(bus: Bus) -> AsyncIterator[Callable[[], Owner]]:
    """Each call makes an owner with a connection of its own; the partition is empty before."""
    reconnects = [nats.Reconnects() for _ in range(3)]
    clients = [await bus.connect("orchestrator", one) for one in reconnects]
    stream = clients[0].jetstream()
    await nats.ensure_inbound(stream, bus.place.settings)
    made: list[Owner] = []

    def make() -> Owner:
        made.append(Owner(clients[len(made)], reconnects[len(made)]))
        return made[-1]

    yield make
    for owner in made:
        await owner.stop()
        for delivery in owner.got:
            if not delivery.message.is_acked:
                await delivery.message.ack()
    for client in clients:
        await client.flush()
        await client.close()


@pytest.fixture
async def send(bus: Bus) -> AsyncIterator[Callable[[str], object]]:
    client = await bus.connect("component")

    async def one(body: str) -> Envelope[MessageReceived]:
        event = received(body)
        await client.jetstream().publish(nats.inbound_subject(PARTITION), encode(event), stream=nats.INBOUND)
        return event

    yield one
    await client.close()


Send = Callable[[str], "asyncio.Future[Envelope[MessageReceived]]"]


async def test_the_next_owner_gets_what_the_last_one_held_and_knows_it(owners: Callable[[], Owner], send: Send) -> None:
    dead, next_one = owners(), owners()
    dead.start(1)
    for body in ("a", "b"):
        await send(body)
    await dead.until(lambda: dead.bodies == ["a", "b"])
    assert not any(delivery.turn.suspect for delivery in dead.got)
    await dead.stop()
    await send("c")
    next_one.start(2)
    await next_one.until(lambda: next_one.bodies == ["a", "b", "c"])
    assert [delivery.turn.suspect for delivery in next_one.got] == [True, True, False]


async def test_after_the_bus_was_killed_what_is_in_hand_is_not_put_twice_and_the_rest_comes(
    bus: Bus, owners: Callable[[], Owner], send: Send
) -> None:
    owner = owners()
    owner.start(1)
    for body in ("a", "b"):
        await send(body)
    await owner.until(lambda: owner.bodies == ["a", "b"])
    owner.in_hand.let_go(owner.got[1])  # its acknowledgement was lost, say
    await bus.kill()
    await bus.start()
    await owner.until(lambda: len(owner.got) == 3)
    assert owner.bodies == ["a", "b", "b"]
    assert owner.got[2].turn.suspect
    for delivery in owner.got[:2]:
        await delivery.message.ack()  # from before the restart: it still counts
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                await send("c")
                break
            except (NatsError, TimeoutError):  # JetStream is not quite back
                await asyncio.sleep(0.1)
    await owner.until(lambda: owner.bodies[-1] == "c")
    assert not owner.got[-1].turn.suspect


async def test_what_is_in_hand_is_not_delivered_again_while_it_is_signalled(
    owners: Callable[[], Owner], send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "ACK_WAIT_S", PATIENT_S)
    owner = owners()
    delivered: list[int] = []
    take = owner.in_hand.take

    def counted(delivery: Delivery) -> bool:
        delivered.append(delivery.message.metadata.num_delivered)
        return take(delivery)

    monkeypatch.setattr(owner.in_hand, "take", counted)
    signalling = asyncio.create_task(owner.in_hand.signal_for_ever())
    owner.start(1)
    await send("long")
    await asyncio.sleep(1.5 * PATIENT_S)
    assert delivered == [1]
    signalling.cancel()
    await owner.until(lambda: delivered == [1, 2])  # the control: without the signal it comes again...
    assert owner.bodies == ["long"]  # ...and is put once all the same


async def test_what_is_no_message_is_taken_off_the_bus(bus: Bus, owners: Callable[[], Owner], send: Send) -> None:
    client = await bus.connect("component")
    await client.jetstream().publish(nats.inbound_subject(PARTITION), b"nonsense", stream=nats.INBOUND)
    owner = owners()
    owner.start(1)
    await send("after it")
    await owner.until(lambda: owner.bodies == ["after it"])
    stream = client.jetstream()
    assert (await stream.stream_info(nats.INBOUND)).state.messages == 1
    await client.close()


class Swallowing:
    """A bus whose answer comes in the same moment in which its asker is cancelled; nats-py asks in wait_for."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def new_inbox(self) -> str:
        return "inbox"

    def jetstream(self, timeout: float) -> Swallowing:
        return self

    async def consumer_info(self, _stream: str, _name: str) -> None:
        raise NotFoundError

    async def subscribe(self, _subject: str, cb: object) -> MagicMock:
        return MagicMock(unsubscribe=AsyncMock())

    async def add_consumer(self, _stream: str, _config: object) -> None:
        self.asked.set()
        await asyncio.wait_for(self.answer, 60)


async def test_who_is_cancelled_while_the_bus_answers_lets_the_partition_go() -> None:
    """Else it would come back with the bus, and take the messages of the next owner without concluding them."""
    bus = Swallowing()
    taking = Intake(cast(Client, bus), nats.Reconnects(), InHand(MagicMock()), AsyncMock(), MagicMock())
    draining = asyncio.create_task(taking.drain(PARTITION, 1))
    await bus.asked.wait()
    bus.answer.set_result(None)
    draining.cancel()
    await asyncio.wait([draining], timeout=SOON_S)
    assert draining.cancelled()


@pytest.mark.control
async def test_without_the_check_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.version_info >= (3, 12):
        pytest.skip("wait_for swallows nothing any more")
    monkeypatch.setattr(intake_module, "_end_if_cancelled", lambda: None)
    bus = Swallowing()
    taking = Intake(cast(Client, bus), nats.Reconnects(), InHand(MagicMock()), AsyncMock(), MagicMock())
    draining = asyncio.create_task(taking.drain(PARTITION, 1))
    await bus.asked.wait()
    bus.answer.set_result(None)
    draining.cancel()
    await asyncio.wait([draining], timeout=0.2)
    assert not draining.done()
    draining.cancel()
    await asyncio.wait([draining])
