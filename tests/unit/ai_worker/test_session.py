"""One link: turns are multiplexed, bounded, given up; a reader never waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ai_worker import pieces
from ai_worker.link import Guard, LinkRefused
from ai_worker.running import Running
from ai_worker.session import DELTAS_WAITING, Office, Session
from aiox.runtime.clock import SystemClock
from aiox.runtime.supervisor import Supervisor
from aiox.runtime.tokens import mint
from aiox.wire.v1 import worker_pb2 as pb
from tests.unit.ai_worker.minds import AGENT, OWNER, Log, Memory, Model, mind

KEY = bytes(32)


class Desk:
    """A session with all around it, and the hub's pen."""

    def __init__(self, folder: Path, model: Model, capacity: int = 2) -> None:
        log: Any = Log()
        self.supervisor = Supervisor(log)
        self.running = Running(self.supervisor, capacity)
        self.memory = Memory()
        guard = Guard(KEY, "worker-1", SystemClock())
        self.office = Office(mind(folder, model, self.memory), guard, self.running, 5.0)
        self.session = Session(1, self.office)

    async def active(self, expected: int) -> None:
        """Waits until so many turns run: a turn's task ends a moment after its last message."""
        async with asyncio.timeout(60):
            while self.running.active != expected:
                await asyncio.sleep(0)

    def token(self, request: UUID) -> str:
        now = int(SystemClock().now().timestamp())
        return mint(KEY, "worker-1", OWNER, AGENT, request, str(uuid4()), now)

    def turn(self, request: UUID, **changed: Any) -> pb.FromHub:
        values: dict[str, Any] = {"message": "Hi", "timeout_ms": 5000, "max_total_tokens": 1000}
        asked = pb.TurnAsked(
            request_id=str(request),
            owner_user_id=str(OWNER),
            agent_id=str(AGENT),
            token=self.token(request),
            **(values | changed),
        )
        return pb.FromHub(turn_asked=asked)

    def cancel(self, request: UUID) -> pb.FromHub:
        body = pb.Cancel(request_id=str(request), owner_user_id=str(OWNER), token=self.token(request))
        return pb.FromHub(cancel=body)

    async def next(self, kind: str) -> Any:
        async for message in self.session.messages():
            if message.WhichOneof("body") == kind:
                return getattr(message, kind)
        raise AssertionError(f"no {kind}")


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path, Model(("half",), hangs=True))
    yield desk
    await desk.supervisor.stop()


async def test_a_turn_answers_in_pieces_and_ends(tmp_path: Path) -> None:
    desk, request = Desk(tmp_path, Model(("one ", "two"))), uuid4()
    desk.session.take(desk.turn(request, live=True))
    assert (await desk.next("delta")).text == "one "
    done = await desk.next("turn_done")
    assert (done.request_id, done.success, done.response) == (str(request), True, "one two")
    assert (done.owner_user_id, done.tokens_used) == (str(OWNER), 10)
    await desk.active(0)


async def test_over_capacity_is_busy_at_once(hanging: Desk) -> None:
    for _ in range(2):
        hanging.session.take(hanging.turn(uuid4()))
    third = uuid4()
    hanging.session.take(hanging.turn(third))
    done = await hanging.next("turn_done")
    assert (done.request_id, done.success, done.error_code) == (str(third), False, "HUB_BUSY")
    assert (hanging.running.active, hanging.running.status) == (2, "degraded")


@pytest.mark.parametrize("continuation", [b"x", b"[]", b"{}", b'{"tool":"","arguments":"{}"}', b"\xff"])
async def test_a_continuation_that_cannot_be_read_is_refused(hanging: Desk, continuation: bytes) -> None:
    hanging.session.take(hanging.turn(uuid4(), continuation=continuation))
    assert (await hanging.next("turn_done")).error_code == "BODY_INVALID"
    assert hanging.running.active == 0


async def test_while_draining_nothing_new_is_taken(hanging: Desk) -> None:
    hanging.running.draining = True
    hanging.session.take(hanging.turn(uuid4()))
    assert (await hanging.next("turn_done")).error_code == "HUB_BUSY"


async def test_cancel_ends_one_turn_and_leaves_the_other(hanging: Desk) -> None:
    first, second = uuid4(), uuid4()
    hanging.session.take(hanging.turn(first))
    hanging.session.take(hanging.turn(second))
    await hanging.next("delta")
    await hanging.next("delta")
    hanging.session.take(hanging.cancel(first))
    done = await hanging.next("turn_done")
    assert (done.request_id, done.error_code) == (str(first), "TIMEOUT")
    assert done.tokens_used > 0
    await hanging.active(1)


async def test_cancel_of_an_unknown_turn_does_nothing(hanging: Desk) -> None:
    hanging.session.take(hanging.turn(uuid4()))
    hanging.session.take(hanging.cancel(uuid4()))
    await hanging.next("delta")
    await hanging.active(1)


async def test_a_turn_asked_twice_is_thought_about_once(hanging: Desk) -> None:
    request = uuid4()
    hanging.session.take(hanging.turn(request))
    hanging.session.take(hanging.turn(request))
    await hanging.active(1)


async def test_closing_a_link_gives_up_its_turns_only(hanging: Desk) -> None:
    other = Session(2, hanging.office)
    hanging.session.take(hanging.turn(uuid4()))
    other.take(hanging.turn(uuid4()))
    hanging.session.close()
    await hanging.session.settled()
    await hanging.active(1)


async def test_an_answer_that_nobody_reads_as_it_comes_is_one_message(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Model(["x"] * 100))
    desk.session.take(desk.turn(uuid4()))
    await desk.session.settled()
    desk.session.end()
    assert [message.WhichOneof("body") async for message in desk.session.messages()] == ["beat", "turn_done"]


async def test_pieces_are_dropped_when_nobody_reads_and_the_end_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "LIVE_S", 0.0)
    desk = Desk(tmp_path, Model(["x"] * (DELTAS_WAITING * 2)))
    desk.session.take(desk.turn(uuid4(), live=True))
    await desk.session.settled()
    desk.session.end()
    kinds = [message.WhichOneof("body") async for message in desk.session.messages()]
    assert kinds.count("delta") == DELTAS_WAITING
    assert kinds[-1] == "turn_done"


@pytest.mark.parametrize(
    ("member", "body"),
    [("tool_allowed", pb.ToolAllowed), ("tool_held", pb.ToolHeld), ("tool_refused", pb.ToolRefused)],
)
async def test_an_answer_about_a_tool_nobody_asked_for_is_refused(tmp_path: Path, member: str, body: Any) -> None:
    desk, request = Desk(tmp_path, Model()), uuid4()
    answer = body(request_id=str(request), owner_user_id=str(OWNER), token=desk.token(request), call_id="c1")
    desk.session.take(pb.FromHub(**{member: answer}))
    done = await desk.next("tool_done")
    assert (done.call_id, done.success, done.error_code) == ("c1", False, "TOOL_REFUSED")


async def test_owner_and_agent_are_the_tokens(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Model())
    desk.session.take(desk.turn(uuid4(), subject_jid="ann@example.org"))
    await desk.next("turn_done")
    assert desk.memory.asked == [(OWNER, AGENT, "ann@example.org", "Hi")]


async def test_an_empty_message_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LinkRefused):
        Desk(tmp_path, Model()).session.take(pb.FromHub())


async def test_a_turn_without_time_ends_at_once(hanging: Desk) -> None:
    hanging.session.take(hanging.turn(uuid4(), timeout_ms=0))
    assert (await hanging.next("turn_done")).error_code == "TIMEOUT"


async def test_draining_waits_and_then_gives_up(hanging: Desk) -> None:
    hanging.session.take(hanging.turn(uuid4()))
    await hanging.next("delta")
    assert not await hanging.running.drain(0.01)
    assert (hanging.running.active, hanging.running.status) == (0, "draining")
    assert (await hanging.next("turn_done")).error_code == "HUB_BUSY"


async def test_draining_an_idle_worker_is_done_at_once(hanging: Desk) -> None:
    async with asyncio.timeout(60):
        assert await hanging.running.drain(60)
