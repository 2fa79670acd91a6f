"""A conversation that is stuck is said so, freed, and goes on in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from unittest.mock import MagicMock

import pytest

from aiox.runtime.clock import SystemClock
from aiox.runtime.supervisor import Supervisor
from orchestrator.deliveries import Delivery
from orchestrator.lanes import Group, Lanes
from orchestrator.proofs import Turn
from orchestrator.watchdog import STUCK, Watchdog
from policy.ledger import Record
from tests.unit.orchestrator.messages import received

LIMIT_S = 0.1


def delivery(body: str) -> Delivery:
    return Delivery(Turn(received(body), partition=3, fence=7, sequence=1), MagicMock())


class Scene:
    """Lanes whose handler is stuck with what is called `stuck`, until it is suspect."""

    def __init__(self, append: Callable[[Sequence[Record]], Awaitable[None]]) -> None:
        self.handled: list[tuple[str, bool]] = []
        self.log = MagicMock()
        STUCK.set(0)
        self.supervisor = Supervisor(self.log)
        self.lanes: Lanes[Delivery] = Lanes(self.supervisor, self.handle, 10, together=self.together)
        watchdog = Watchdog(self.lanes, append, SystemClock(), self.log, LIMIT_S, look_s=0.02)
        self.watching = asyncio.create_task(watchdog.run())

    async def handle(self, group: Group[Delivery]) -> None:
        turn = group.items[0].turn
        if turn.message.body == "stuck" and not turn.suspect:
            await asyncio.Event().wait()
        self.handled += [(one.turn.message.body, one.turn.suspect) for one in group.items]

    @staticmethod
    def together(group: Sequence[Delivery], another: Delivery) -> bool:
        return len(group) < 2 and not another.turn.suspect and not group[0].turn.suspect

    async def until_idle(self) -> None:
        async with asyncio.timeout(60):
            while self.lanes.open:
                await asyncio.sleep(0.01)
        self.watching.cancel()


async def test_it_is_recorded_and_handled_again_before_those_behind_it() -> None:
    records: list[Record] = []

    async def append(new: Sequence[Record]) -> None:
        records.extend(new)

    scene, stuck = Scene(append), delivery("stuck")
    for one in (stuck, delivery("with it"), delivery("behind")):
        await scene.lanes.put("a", one)
    await scene.until_idle()
    assert [body for body, _ in scene.handled] == ["stuck", "with it", "behind"]
    assert scene.handled[0] == ("stuck", True)
    (record,) = records
    assert record.event_type == "conversation.stuck"
    assert str(stuck.turn.message.turn_id) in str(record.details["turn_ids"])
    assert "stuck" not in str(record.details)  # ids, no text
    assert [call.args[0] for call in scene.log.error.call_args_list] == ["conversation_stuck"]


async def test_the_metric_counts_it_and_others_go_on() -> None:
    async def append(_: Sequence[Record]) -> None:
        raise OSError("the store is away")

    scene = Scene(append)
    await scene.lanes.put("a", delivery("stuck"))
    await scene.lanes.put("b", delivery("quick"))
    async with asyncio.timeout(60):
        while STUCK._value.get() != 1:
            await asyncio.sleep(0.01)
    assert scene.handled == [("quick", False)]  # not freed: nothing could be recorded
    scene.watching.cancel()
    await scene.supervisor.stop()


@pytest.mark.control
async def test_control_without_the_watchdog_it_waits_for_ever() -> None:
    async def append(_: Sequence[Record]) -> None:
        raise AssertionError

    scene = Scene(append)
    scene.watching.cancel()
    await scene.lanes.put("a", delivery("stuck"))
    await scene.lanes.put("a", delivery("behind"))
    await asyncio.sleep(4 * LIMIT_S)
    assert scene.handled == []
    await scene.supervisor.stop()
