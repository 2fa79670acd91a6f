"""Worker pool: least-loaded choice, waiting in the order of the claims, a lost worker's turn goes elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers import pool as pool_module
from orchestrator.workers.desk import CallsInterrupted
from orchestrator.workers.pool import NoWorker
from orchestrator.workers.queue import Claim
from tests.unit.orchestrator.workers.house import House, NoTools, settle


async def test_turns_go_to_the_least_loaded_worker() -> None:
    house = House()
    await house.arrives("a", 4)
    await house.arrives("b", 4)
    turns = [house.ask(str(number)) for number in range(4)]
    await settle()
    assert len(house.links["a"].asked) == len(house.links["b"].asked) == 2
    for turn in turns:
        turn.cancel()


async def test_waiting_turns_are_served_by_score_then_admission() -> None:
    house = House()
    await house.arrives("a", 1)
    turns = [house.ask("first"), house.ask("low", 0.1, 1), house.ask("high", 0.9, 3), house.ask("high-later", 0.9, 4)]
    link = house.links["a"]
    for expected in ("first", "high", "high-later", "low"):
        await settle()
        assert link.asked[-1] == expected
        link.finish(expected)
    await asyncio.gather(*turns)


async def test_a_lost_workers_turn_is_asked_elsewhere() -> None:
    house, desk = House(), NoTools()
    await house.arrives("a", 1)
    turn = house.ask("t", desk=desk)
    await settle()
    await house.arrives("b", 1)
    house.links["a"].broken.set()
    await settle()
    assert house.links["b"].asked == ["t"]
    house.links["b"].finish("t")
    _, worker_id = await turn
    assert (worker_id, desk.begun) == ("b", 2)
    assert ("a", "unavailable") in house.remembered


async def test_a_draining_worker_gets_nothing_new() -> None:
    house = House()
    await house.arrives("a", 4)
    await house.arrives("a", 4, "draining")
    await house.arrives("b", 4)
    turns = [house.ask(str(number)) for number in range(3)]
    await settle()
    assert house.links["a"].asked == []
    assert len(house.links["b"].asked) == 3
    assert house.pool.places("default") == 4, "those of the draining one are none"
    for turn in turns:
        turn.cancel()


async def test_without_a_worker_the_turn_is_refused_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "WAIT_WITHOUT_WORKER_S", 0.01)
    with pytest.raises(NoWorker):
        await House().ask("t")


async def test_a_turn_that_waited_is_served_when_a_worker_arrives() -> None:
    house = House()
    turn = house.ask("t")
    await settle()
    await house.arrives("a", 1)
    assert house.links["a"].asked == ["t"]
    house.links["a"].finish("t")
    await turn


async def test_free_share_counts_open_slots() -> None:
    house = House()
    assert house.pool.free_share("default") == 0.0
    await house.arrives("a", 4)
    turn = house.ask("t")
    await settle()
    assert house.pool.free_share("default") == 0.75
    turn.cancel()


async def test_a_busy_worker_puts_the_turn_back_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "BUSY_PAUSE_S", 0.3)
    house = House()
    await house.arrives("a", 1)
    first, second = house.ask("first", 0.9, 1), house.ask("second", 0.1, 2)
    await settle()
    link = house.links["a"]
    link.finish("first", "HUB_BUSY")
    await settle()
    assert link.asked == ["first"]  # left alone for a moment
    assert house.pool.free_share("default") == 0.0
    async with asyncio.timeout(60):
        while len(link.asked) < 2:
            await asyncio.sleep(0.02)
    assert link.asked == ["first", "first"]  # before the second, as its key says
    for name in ("first", "second"):
        link.finish(name)
        await settle()
    assert [(await turn)[0].success for turn in (first, second)] == [True, True]


async def test_a_busy_worker_is_asked_again_at_once_when_a_turn_of_ours_ends_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "BUSY_PAUSE_S", 60)
    house = House()
    await house.arrives("a", 2)
    turns = [house.ask("one", order=1), house.ask("two", order=2)]
    await settle()
    house.links["a"].finish("two", "HUB_BUSY")
    await settle()
    house.links["a"].finish("one")
    await settle()
    assert house.links["a"].asked == ["one", "two", "two"]
    house.links["a"].finish("two")
    await asyncio.gather(*turns)


async def test_the_turn_of_a_busy_worker_goes_to_another() -> None:
    house = House()
    await house.arrives("a", 1)
    turn = house.ask("t")
    await settle()
    await house.arrives("b", 1)
    house.links["a"].finish("t", "HUB_BUSY")
    await settle()
    assert house.links["b"].asked == ["t"]
    house.links["b"].finish("t")
    assert (await turn)[1] == "b"


async def test_what_a_stopping_worker_had_thought_already_is_paid() -> None:
    house, desk = House(), NoTools()
    await house.arrives("a", 1)
    turn = house.ask("t", desk=desk)
    await settle()
    await house.arrives("b", 1)
    house.links["a"].finish("t", "HUB_BUSY", tokens=21)
    await settle()
    house.links["b"].finish("t")
    assert (await turn)[1] == "b"
    assert desk.cost == [21]


async def test_what_others_run_there_counts_as_load() -> None:
    house = House()
    await house.arrives("a", 4, active=3)
    await house.arrives("b", 4, active=1)
    turn = house.ask("t")
    await settle()
    assert house.links["b"].asked == ["t"]
    turn.cancel()


async def test_a_degraded_worker_is_taken_only_when_no_healthy_one_is_free() -> None:
    house = House()
    await house.arrives("a", 4, latency_ms=9000.0)
    await house.arrives("b", 2, latency_ms=100.0)
    turns = [house.ask(str(number)) for number in range(3)]
    await settle()
    assert (len(house.links["a"].asked), len(house.links["b"].asked)) == (1, 2)
    assert {beat.worker_id: standing for beat, standing in house.pool.standings()} == {"a": "degraded", "b": "healthy"}
    for turn in turns:
        turn.cancel()


async def test_a_turn_with_a_tool_call_is_not_asked_elsewhere() -> None:
    house = House()
    await house.arrives("a", 1)
    turn = house.ask("t", desk=NoTools(has_calls=True))
    await settle()
    await house.arrives("b", 1)
    house.links["a"].broken.set()
    await settle()
    with pytest.raises(CallsInterrupted):
        await turn
    assert house.links["b"].asked == []


async def test_a_worker_that_comes_back_under_its_name_is_used_again_at_once() -> None:
    house = House()
    await house.arrives("a", 1)
    old = house.links["a"]
    old.broken.set()
    await settle()
    turn = house.ask("t")
    await house.arrives("a", 1)
    assert (house.links["a"] is old, house.links["a"].asked) == (False, ["t"])
    house.links["a"].finish("t")
    await turn


async def test_a_cancelled_turn_gives_its_place_back_wherever_it_stood() -> None:
    house = House()
    await house.arrives("a", 1)
    running, waiting = house.ask("running", order=1), house.ask("waiting", order=2)
    await settle()
    assert replace(house.pool.demand(), oldest_wait_s=0.0).queued == 1
    waiting.cancel()
    running.cancel()
    await settle()
    demand = house.pool.demand()
    assert (demand.queued, demand.busy, demand.oldest_wait_s) == (0, 0, 0.0)
    last = house.ask("last")
    await settle()
    assert house.links["a"].asked == ["running", "last"]
    last.cancel()


async def test_a_turn_that_finds_no_place_in_its_time_is_refused() -> None:
    house = House()
    await house.arrives("a", 1)
    first = house.ask("first")
    await settle()
    asked = pb.TurnAsked(request_id="late", timeout_ms=20)
    with pytest.raises(NoWorker):
        await house.pool.think("default", Claim((-0.5, 1), 0.5), asked, NoTools())
    first.cancel()


async def test_a_turn_that_another_waits_for_has_a_place_in_any_case() -> None:
    house = House()
    await house.arrives("a", 1)
    first = house.ask("first")
    await settle()
    second = house.ask("second", hops=1)
    await settle()
    link = house.links["a"]
    assert link.asked == ["first", "second"]
    link.finish("second")
    link.finish("first")
    await asyncio.gather(first, second)
    assert house.pool.free_share("default") == 1.0


@pytest.mark.control
async def test_control_as_any_other_turn_it_would_wait_for_the_one_that_waits_for_it() -> None:
    house = House()
    await house.arrives("a", 1)
    turns = [house.ask("first"), house.ask("second")]
    await settle()
    assert house.links["a"].asked == ["first"]
    for turn in turns:
        turn.cancel()


async def test_a_turn_that_another_waits_for_is_told_when_no_worker_is_there() -> None:
    with pytest.raises(NoWorker):
        await House().ask("first", hops=1)


async def test_a_turn_of_high_priority_finds_a_place_while_all_others_wait() -> None:
    house = House()
    await house.arrives("a", 8)
    link = house.links["a"]
    turns = [house.ask("high", 0.1, 0, high=True), *(house.ask(str(one), 0.9, one) for one in range(1, 20))]
    await settle()
    assert len(link.asked) == 7, "the last place is kept"
    assert house.pool.free_share("default") == 0.0, "or who came while it was free would pass those before"
    turns.append(house.ask("high-later", 0.1, 20, high=True))
    await settle()
    link.finish("high-later")
    await settle()
    assert len(link.asked) == 8, "what it leaves is kept again"
    link.finish("1")
    await settle()
    assert len(link.asked) == 9
    for turn in turns:
        turn.cancel()


async def test_a_flood_of_high_priority_takes_half_of_the_places_at_most() -> None:
    house = House()
    await house.arrives("a", 8)
    link = house.links["a"]
    turns = [house.ask(f"usual {one}", 0.9, one) for one in range(60)]
    turns += [house.ask(f"high {one}", 0.1, 100 + one, high=True) for one in range(60)]
    await settle()
    for _ in range(60):
        link.finish(next(iter(link.answers)))
        await settle()
        usual = [name for name in link.answers if name.startswith("usual")]
        assert 4 <= len(usual) <= 7, "half of the places are for everybody, and one is for high priority"
    for turn in turns:
        turn.cancel()


async def test_nothing_is_kept_where_no_turn_of_high_priority_came() -> None:
    house = House()
    await house.arrives("a", 8)
    turns = [house.ask(str(one), order=one) for one in range(10)]
    await settle()
    assert len(house.links["a"].asked) == 8
    for turn in turns:
        turn.cancel()
