"""One credential asks one model no faster than was set; the waiting is honest and ends within the turn's time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_worker.model.pace import MINUTE_S, Bucket, Pace, Paced
from ai_worker.model.port import ModelFailed
from ai_worker.model.terms import PerMinute
from ai_worker.words import Limits, Prompt
from aiox.kernel.errors import ErrorCode
from tests.unit.ai_worker.minds import Model

PROMPT, LIMITS = Prompt("Ada", "", "Hi"), Limits(2000, max_output_tokens=15)
TAKEN = 20
"""Input of the scripted model, and the longest answer."""


@dataclass
class Time:
    """A clock that only sleeping moves on."""

    moment: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.moment, UTC)

    def monotonic(self) -> float:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds


def paced(model: Model, pace: Pace, time: Time, deadline: float = 60.0) -> Paced:
    return Paced(model, pace, deadline, time, time.sleep)


async def asked(model: Paced) -> str:
    return "".join([delta.text async for delta in model.complete(PROMPT, LIMITS)])


async def test_without_limits_nobody_waits() -> None:
    time = Time()
    pace = Pace(PerMinute(), 0.0)
    for _ in range(100):
        await asked(paced(Model(), pace, time))
    assert time.slept == []


async def test_the_question_too_many_waits_for_its_turn() -> None:
    time = Time()
    pace = Pace(PerMinute(requests=6), 0.0)
    for _ in range(8):
        await asked(paced(Model(), pace, time))
    assert time.slept == [10.0, 10.0]


async def test_who_cannot_be_served_in_time_is_told_at_once_and_takes_nothing() -> None:
    time, model = Time(), Model()
    pace = Pace(PerMinute(requests=1), 0.0)
    await asked(paced(model, pace, time))
    for _ in range(3):
        with pytest.raises(ModelFailed) as failed:
            await asked(paced(model, pace, time, deadline=30.0))
        assert failed.value.code is ErrorCode.RATE_LIMIT
        assert "in 60 s" in failed.value.text
    assert (time.slept, len(model.prompts)) == ([], 1)


async def test_tokens_are_taken_high_and_given_back_when_the_provider_has_counted() -> None:
    time = Time()
    pace = Pace(PerMinute(tokens=TAKEN + 10), 0.0)
    await asked(paced(Model(), pace, time))
    await asked(paced(Model(), pace, time))
    assert time.slept == [], "the scripted model counts ten tokens a call"
    await asked(paced(Model(), pace, time))
    assert time.slept == [pytest.approx(MINUTE_S * 10 / 30)]


async def test_a_call_that_failed_may_have_used_all_that_it_took() -> None:
    time = Time()
    pace = Pace(PerMinute(tokens=TAKEN), 0.0)
    with pytest.raises(ModelFailed):
        await asked(paced(Model((), error=ModelFailed(ErrorCode.TIMEOUT, "late")), pace, time))
    await asked(paced(Model(), pace, time, deadline=100.0))
    assert time.slept == [MINUTE_S]


async def test_a_provider_that_wants_quiet_gets_it_from_everyone_with_this_credential() -> None:
    time = Time()
    pace = Pace(PerMinute(), 0.0)
    slow = ModelFailed(ErrorCode.RATE_LIMIT, "slow down", passing=True, wait_s=20.0)
    with pytest.raises(ModelFailed):
        await asked(paced(Model((), error=slow), pace, time))
    with pytest.raises(ModelFailed) as failed:
        await asked(paced(Model(), pace, time, deadline=10.0))
    assert failed.value.code is ErrorCode.RATE_LIMIT
    assert await asked(paced(Model(), pace, time)) == "hello"
    assert time.slept == [20.0]


async def test_who_stops_waiting_makes_room() -> None:
    pace, waiting, time = Pace(PerMinute(requests=1), 0.0), asyncio.Event(), Time()

    async def never(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    await asked(paced(Model(), pace, time))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(asked(Paced(Model(), pace, 1e6, time, never)))
        await waiting.wait()
        task.cancel()
    time.moment = MINUTE_S
    await asked(paced(Model(), pace, time, deadline=1e6))
    assert time.slept == []


@given(st.integers(1, 600), st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_in_no_stretch_of_time_is_more_let_through_than_a_bucket_and_its_refill(limit: int, gaps: list[float]) -> None:
    now, served = 0.0, []
    bucket = Bucket(limit, now)
    for gap in gaps:
        now += gap
        served.append(now + bucket.take(1, now))
    for first, begin in enumerate(served):
        within = sum(1 for moment in served[first:] if moment <= begin + MINUTE_S)
        assert within <= 2 * limit + 1
