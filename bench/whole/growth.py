"""(e): what a message costs when the hub has grown: one agent and 100,000, a thousand memories and a million.

Two hubs run side by side and are asked the same in turn, so that a machine that slows down slows both. One stays as it
is; the other is measured as it was made, then with many agents, then with many memories of others as well.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiox.runtime.clock import SystemClock
from bench.people import Person, people
from bench.throwaway import Bench, hub, started
from bench.whole import rows
from bench.whole.asking import Askers, Side, askers
from bench.whole.known import QUESTION, agent_of, know
from bench.whole.options import Options
from bench.whole.record import Record, head

NAME: Final = "growth"
SMALL, GROWN = "AIOX as it is", "AIOX that grows"
STAGES: Final = ("as made", "many agents", "many agents and memories")
PEOPLE: Final = 20
RATE: Final = 30.0
"""Messages a second of all people, far from what a hub carries."""
KNOWN: Final = 200_000
"""Characters of documents that the one agent knows, in both hubs."""
ROUNDS: Final = 3


async def measure(options: Options) -> None:
    """The whole part, from two empty homes to the file."""
    async with AsyncExitStack() as parts:
        stub = await parts.enter_async_context(started(sys.executable, "-m", "bench.stub_model"))
        small = await parts.enter_async_context(_asked(stub.first_line, SMALL))
        grown = await parts.enter_async_context(_asked(stub.first_line, GROWN))
        record = Record(
            options.folder / f"{NAME}.jsonl",
            head(NAME, SystemClock(), _facts(options, small.passages), full=options.full),
        )
        for stage in STAGES:
            found = await _grow(stage, grown, options)
            record.figures(GROWN, 1, [(f"{stage}, {what}", "rows", float(count)) for what, count in found.items()])
            for number in range(_rounds(options) + 1):
                for one in (small, grown):
                    await one.asked.open(one.side, RATE, options.seconds, stage, record, number)


def _facts(options: Options, passages: int) -> dict[str, str]:
    return {
        "durability": "as in `echoes`",
        "model": "a stub on this machine that answers at once, streamed",
        "asked": f"one agent that knows {passages} passages, by {PEOPLE} people, {RATE:g} messages/s; each question is"
        " embedded",
        "grown": "rows of others are written past the hub; the passages of others are this agent's, without the list of"
        " their words",
        "lengths": f"{_rounds(options)} rounds after a warm-up in each stage, loops of {options.seconds:g} s",
    }


@dataclass(frozen=True, slots=True)
class _Hub:
    bench: Bench
    side: Side
    asked: Askers
    teacher: Person
    passages: int


@asynccontextmanager
async def _asked(model_url: str, name: str) -> AsyncIterator[_Hub]:
    async with hub(model_url) as bench:
        [teacher] = await people(bench.home, bench.settings, 1, 1, "teacher", visibility="public")
        passages = await know(bench, teacher, KNOWN)
        opened = await people(bench.home, bench.settings, PEOPLE, 0, "open")
        side = Side(name, (), [[teacher.agent]] * PEOPLE, bench.pids, QUESTION)
        async with askers((), opened) as asked:
            yield _Hub(bench, side, asked, teacher, passages)


async def _grow(stage: str, grown: _Hub, options: Options) -> dict[str, int]:
    """Makes of the hub what the stage is, and counts."""
    agent = agent_of(grown.teacher)
    if stage == STAGES[1]:
        await rows.more_agents(grown.bench, agent, options.many_agents - 1)
    if stage == STAGES[2]:
        await rows.more_memories(grown.bench, agent, options.many_memories - grown.passages)
    return await rows.counted(grown.bench)


def _rounds(options: Options) -> int:
    return min(ROUNDS, options.rounds)
