"""A turn that is asked anew waits until the worker has ended the attempt before, whose last word is not its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import grpc
import pytest

from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from aiox.runtime.supervisor import Supervisor
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.desk import Desk
from orchestrator.workers.link import WorkerLink, WorkerLost

LOG = configure_logs("test", "ERROR")
OWNER, AGENT = str(uuid4()), str(uuid4())


class FakeStream:
    """What the worker says is put into `says`; what it is told is kept in `told`."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[pb.FromWorker | object] = asyncio.Queue()
        self.told: asyncio.Queue[pb.FromHub] = asyncio.Queue()

    async def read(self) -> object:
        return await self.says.get()

    async def write(self, message: pb.FromHub) -> None:
        self.told.put_nowait(message)

    def cancel(self) -> None:
        self.says.put_nowait(grpc.aio.EOF)

    async def hears(self) -> pb.FromHub:
        async with asyncio.timeout(60):
            return await self.told.get()

    def answers(self, request: str, text: str, tokens: int = 0) -> None:
        done = pb.TurnDone(request_id=request, owner_user_id=OWNER, response=text, input_tokens=tokens)
        self.says.put_nowait(pb.FromWorker(turn_done=done))


class FakeDesk:
    """No tools here."""

    has_calls = False

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.cost: list[int] = []
        """What attempts that ended early have cost; -1 while only this desk knows."""

    def cut_off(self) -> Callable[[int], None]:
        number = len(self.cost)
        self.cost.append(-1)
        return lambda tokens: self.cost.__setitem__(number, tokens)

    def begin(self) -> None:
        return

    def said(self, text: str) -> None:
        self.pieces.append(text)


async def _close() -> None:
    return


@pytest.fixture
def stream() -> FakeStream:
    return FakeStream()


def linked(stream: FakeStream) -> tuple[WorkerLink, asyncio.Future[None]]:
    channel = cast(
        grpc.aio.Channel,
        SimpleNamespace(
            close=_close,
            stream_stream=lambda *_a, **_k: lambda: stream,
            unary_unary=lambda *_a, **_k: None,
            unary_stream=lambda *_a, **_k: None,
        ),
    )
    link = WorkerLink("w", channel, bytes(32), SystemClock(), LOG, Supervisor(LOG).run_once)
    return link, asyncio.ensure_future(link.run(lambda: None))


def asked(request: str, message: str) -> pb.TurnAsked:
    return pb.TurnAsked(request_id=request, owner_user_id=OWNER, agent_id=AGENT, message=message)


async def test_the_last_word_on_a_given_up_attempt_is_not_taken_for_an_answer(stream: FakeStream) -> None:
    link, running = linked(stream)
    request, fake = str(uuid4()), FakeDesk()
    desk, cost = cast(Desk, fake), fake.cost
    await asyncio.sleep(0)
    first = asyncio.ensure_future(link.think(asked(request, "one"), desk))
    assert (await stream.hears()).turn_asked.message == "one"
    first.cancel()
    assert (await stream.hears()).HasField("cancel")
    second = asyncio.ensure_future(link.think(asked(request, "one and two"), desk))
    await asyncio.sleep(0.02)
    assert stream.told.empty()  # the worker would drop it as asked twice
    assert cost == [-1]
    stream.answers(request, "to one", tokens=17)
    assert (await stream.hears()).turn_asked.message == "one and two"
    stream.answers(request, "to both")
    async with asyncio.timeout(60):
        assert (await second).response == "to both"
    assert cost == [17]
    stream.cancel()
    with pytest.raises(WorkerLost):
        await running


async def test_an_attempt_that_is_given_up_unread_costs_what_its_worker_counted(stream: FakeStream) -> None:
    link, running = linked(stream)
    request, fake = str(uuid4()), FakeDesk()
    await asyncio.sleep(0)
    thinking = asyncio.ensure_future(link.think(asked(request, "one"), cast(Desk, fake)))
    await stream.hears()
    link._receive(pb.FromWorker(turn_done=pb.TurnDone(request_id=request, owner_user_id=OWNER, output_tokens=9)))
    thinking.cancel()  # the answer is there, and one more message comes before anybody has read it
    await asyncio.sleep(0)
    assert fake.cost == [9]
    stream.cancel()
    with pytest.raises(WorkerLost):
        await running


async def test_a_lost_worker_has_cost_what_the_desk_has_seen(stream: FakeStream) -> None:
    link, running = linked(stream)
    fake = FakeDesk()
    await asyncio.sleep(0)
    thinking = asyncio.ensure_future(link.think(asked(str(uuid4()), "one"), cast(Desk, fake)))
    await stream.hears()
    stream.cancel()
    with pytest.raises(WorkerLost):
        await thinking
    assert fake.cost == [-1]
    with pytest.raises(WorkerLost):
        await running
    with pytest.raises(WorkerLost):
        await link.think(asked(str(uuid4()), "two"), cast(Desk, fake))
    assert fake.cost == [-1], "what was never asked costs nothing"


async def test_who_waits_for_the_attempt_before_is_told_when_the_worker_is_lost(stream: FakeStream) -> None:
    link, running = linked(stream)
    request, desk = str(uuid4()), cast(Desk, FakeDesk())
    await asyncio.sleep(0)
    first = asyncio.ensure_future(link.think(asked(request, "one"), desk))
    await stream.hears()
    first.cancel()
    await asyncio.sleep(0)
    second = asyncio.ensure_future(link.think(asked(request, "one and two"), desk))
    await asyncio.sleep(0)
    stream.cancel()
    with pytest.raises(WorkerLost):
        await running
    with pytest.raises(WorkerLost):
        async with asyncio.timeout(60):
            await second


async def test_pieces_of_an_answer_reach_the_desk_of_their_own_turn_only(stream: FakeStream) -> None:
    link, running = linked(stream)
    request, desk = str(uuid4()), FakeDesk()
    await asyncio.sleep(0)
    thinking = asyncio.ensure_future(link.think(asked(request, "one"), cast(Desk, desk)))
    await stream.hears()
    for turn, owner, text in ((request, OWNER, "mine"), (str(uuid4()), OWNER, "old"), (request, AGENT, "foreign")):
        stream.says.put_nowait(pb.FromWorker(delta=pb.Delta(request_id=turn, owner_user_id=owner, text=text)))
    stream.answers(request, "mine")
    async with asyncio.timeout(60):
        assert (await thinking).response == "mine"
    assert desk.pieces == ["mine"]
    stream.cancel()
    with pytest.raises(WorkerLost):
        await running
