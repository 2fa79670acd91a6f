"""Any process may die at any moment: nothing receipted is lost, nothing is answered twice, nothing is out of order."""

from __future__ import annotations

import secrets

import pytest

from aiox.cli.chat.stream import CLIENT
from bench.load.archive import fetch
from bench.load.plan import marks
from setup.prove import note
from tests.chaos.checker import summary
from tests.chaos.kills import order, run_round
from tests.chaos.readers import on_the_bus
from tests.chaos.traffic import traffic

SHORT_SEED = 20260131


@pytest.mark.timeout(600)
async def test_fifteen_kills_lose_nothing_double_nothing_and_keep_the_order() -> None:
    async with traffic(SHORT_SEED, clients=8, conversations=24) as running:
        done = await run_round(running, order(SHORT_SEED, 15), messages=30, seconds=1.0, tell=print)
        assert await running.settled(), f"unfinished after all: {await running.open_work()}"
        violations = await running.violations()
        person = running.crowd.people[0]
        read = [mark for message in await fetch(person) for mark in marks(message.findtext(f"{{{CLIENT}}}body") or "")]
    assert not violations, summary(violations)
    assert running.keeper.surprises == []
    assert len(done.kills) == 15
    assert set(read) == set(person.journal.messages), "a client that reads its archive finds all its messages"
    assert all(kill.held for kill in done.kills)


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_chaos_two_hundred_kills_and_twenty_thousand_messages(request: pytest.FixtureRequest) -> None:
    given = request.config.getoption("--hypothesis-seed")
    seed = int(given) if given else secrets.randbelow(2**32)
    async with traffic(seed, clients=20, conversations=200) as running:
        done = await run_round(
            running, order(seed, 203), messages=100, seconds=2.0, tell=lambda line: print(line, flush=True)
        )
        settled = await running.settled()
        violations = await running.violations()
        messages = len(running.crowd.messages())
        left = await running.open_work()
        held = await on_the_bus(running.keeper.home, running.keeper.settings)
    end = "settled" if settled else f"not settled, {held} messages still on the bus"
    note(f"chaos seed {seed}: {messages} messages, {done.figures()}; {end}; {len(violations)} violations")
    assert not violations, summary(violations)
    assert settled, f"unfinished after all: {left}"
    assert running.keeper.surprises == []
    assert messages >= 20_000
    assert len(done.kills) >= 200
