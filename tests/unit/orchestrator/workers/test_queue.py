"""Who is next for a place: the best key; for a kept place, the best of high priority."""

from __future__ import annotations

import asyncio

from orchestrator.workers.queue import Claim, Queue, Waiting


def waiting(points: float, order: int, *, high: bool = False) -> Waiting:
    claim = Claim((-points, order), points, high)
    return Waiting(claim, order, float(order), asyncio.get_running_loop().create_future())


def filled(*turns: Waiting) -> Queue:
    queue = Queue()
    for turn in turns:
        queue.put(turn)
    return queue


async def test_the_best_score_is_next_whatever_its_priority_and_of_equals_who_came_first() -> None:
    low, high, best, later = waiting(0.1, 0), waiting(0.5, 1, high=True), waiting(0.9, 2), waiting(0.5, 3)
    queue = filled(low, high, best, later)
    assert [queue.take(high_only=False) for _ in range(5)] == [best, high, later, low, None]


async def test_a_kept_place_is_for_the_best_of_high_priority() -> None:
    usual, high, better = waiting(0.9, 0), waiting(0.1, 1, high=True), waiting(0.2, 2, high=True)
    queue = filled(usual, high, better)
    assert [queue.take(high_only=True) for _ in range(3)] == [better, high, None]
    assert queue.take(high_only=False) is usual


async def test_who_gave_up_is_passed_over() -> None:
    turns = [waiting(0.9, 0), waiting(0.8, 1, high=True), waiting(0.1, 2)]
    queue = filled(*turns)
    for turn in turns[:2]:
        turn.place.cancel()
    assert list(queue) == [turns[2]]
    assert queue.take(high_only=True) is None
    assert queue.take(high_only=False) is turns[2]
    assert len(queue) == 0


async def test_when_the_last_of_high_priority_came_is_known_also_when_one_is_put_back() -> None:
    first, second = waiting(0.5, 1, high=True), waiting(0.5, 2, high=True)
    assert filled(waiting(0.5, 9)).high_at is None
    queue = filled(first, second)
    assert queue.take(high_only=True) is first
    queue.put(first)
    assert queue.high_at == 2.0
