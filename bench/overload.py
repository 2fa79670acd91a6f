"""Overload: the hub is offered twice what its workers can carry, with a model that takes 50 ms and 8 turns at a time.

Three runs over the same conversations: what it can carry, half of that, and twice of that with half of it afterwards.
One message in ten is for an agent of high priority. A message that is refused counts as one that was never answered.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from bench.load.crowd import Member
from bench.load.fleet import Sample, run_fleet
from bench.load.plan import Planned, plan
from bench.measure import Figure, percentile
from bench.people import people
from bench.throwaway import Bench, child, hub

NAME: Final = "overload"
MODEL_MS: Final = 50
CAPACITY: Final = 8
CLIENTS: Final = 20
AGENTS: Final = 20
SECONDS: Final = 20.0
RECOVERY_S: Final = 5.0
DRAIN_S: Final = 10.0
TRIES: Final = 4
_HIGH: Final = CLIENTS // 10


@dataclass(frozen=True)
class Overload:
    """The hub and who talks to it. The first `_HIGH` people have agents of high priority."""

    name: str
    bench: Bench
    members: Sequence[Member]
    seconds: float
    seeds: Iterator[int] = field(default_factory=count)
    """A new one for each run: a plan of one seed has the ids of before, and what was answered is not answered again."""

    async def measure(self) -> Sequence[Figure]:
        """One round of all three runs."""
        full = await self._run(1000 / MODEL_MS * CAPACITY)
        peak = _throughput(full, self.seconds)
        half = await self._run(peak / 2)
        calm = percentile(_latencies(half, high=True), 0.99)
        samples = await self._run_over(peak)
        over = [sample for sample in samples if sample.scheduled < self.seconds]
        after = [sample for sample in samples if sample.scheduled >= self.seconds]
        high = percentile(_latencies(over, high=True), 0.99)
        carried = _throughput(over, self.seconds)
        return [
            Figure("peak", "answers/s", peak, higher_is_better=True),
            Figure("at twice the peak", "answers/s", carried, higher_is_better=True),
            Figure("throughput kept", "of the peak", carried / peak, higher_is_better=True),
            Figure("high priority p99 at half load", "ms", calm),
            Figure("high priority p99 at twice the load", "ms", high),
            Figure("high priority p99, overload to half", "times", high / calm),
            Figure("high priority refused", "messages", float(sum(bool(s.error) for s in over if s.person < _HIGH))),
            Figure("refused with an error", "messages", float(sum(bool(sample.error) for sample in over))),
            Figure("no answer and no error", "messages", float(sum(_in_silence(sample) for sample in over))),
            Figure("asked four times, never answered", "conversations", float(_starved(over))),
            Figure("longest wait of an answer", "s", max(_answered(over)) / 1000),
            Figure("until calm again", "s", _until_calm(after, calm, self.seconds)),
            Figure("link drops", "times", float(self._link_drops())),
        ]

    async def _run(self, rate: float) -> list[Sample]:
        return await run_fleet(self.members, self._plan(rate, self.seconds), DRAIN_S)

    async def _run_over(self, peak: float) -> list[Sample]:
        """Twice the peak, then half of it, without a pause."""
        tail = self._plan(peak / 2, 2 * RECOVERY_S)
        later = [Planned(one.at + self.seconds, one.person, one.agent, one.id, one.text) for one in tail]
        return await run_fleet(self.members, [*self._plan(2 * peak, self.seconds), *later], 3 * DRAIN_S)

    def _plan(self, rate: float, seconds: float) -> list[Planned]:
        return plan(next(self.seeds), round(rate * seconds), seconds, len(self.members), AGENTS)

    def _link_drops(self) -> int:
        return self.bench.home.log_file("component").read_text().count('"xmpp_not_connected"')


def _throughput(samples: Sequence[Sample], seconds: float) -> float:
    """Answers a second, the first fifth left out."""
    warm = seconds / 5
    return sum(warm <= (s.answered or -1.0) < seconds for s in samples) / (seconds - warm)


def _latencies(samples: Sequence[Sample], *, high: bool) -> list[float]:
    return [sample.latency_ms for sample in samples if (sample.person < _HIGH) == high]


def _answered(samples: Sequence[Sample]) -> list[float]:
    return [sample.latency_ms for sample in samples if sample.answered is not None]


def _in_silence(sample: Sample) -> bool:
    return sample.answered is None and not sample.error


def _starved(samples: Sequence[Sample]) -> int:
    """Conversations that asked four times or more and got no answer: who was refused once or twice may try again."""
    answers: dict[tuple[int, int], list[bool]] = defaultdict(list)
    for sample in samples:
        answers[sample.person, sample.agent].append(sample.answered is not None)
    return sum(len(each) >= TRIES and not any(each) for each in answers.values())


def _until_calm(after: Sequence[Sample], calm: float, end: float) -> float:
    """Seconds after the overload from which on everything is answered within twice the calm p99; infinite if never."""
    late = [sample.scheduled - end for sample in after if sample.latency_ms > 2 * calm]
    late_share = len(late) / max(1, len(after))
    if late_share > 0.99:
        return math.inf
    return percentile(late, 0.99) if late else 0.0


@asynccontextmanager
async def sides(_clients: int, _questions: int, seconds: float) -> AsyncIterator[list[Overload]]:
    """The hub, alone. `seconds` is the length of each run, at least 20."""
    lines: list[str] = []
    async with (
        child(sys.executable, "-m", "bench.stub_model", "--latency-ms", str(MODEL_MS), first_line_to=lines),
        hub(lines[0], debounce_ms=0, worker_capacity=CAPACITY) as bench,
    ):
        high = await people(bench.home, bench.settings, _HIGH, AGENTS, "high", capabilities={"priority_weight": 1.0})
        low = await people(
            bench.home, bench.settings, CLIENTS - _HIGH, AGENTS, "low", capabilities={"priority_weight": 0.1}
        )
        members = [Member(person.login, person.agents) for person in (*high, *low)]
        yield [Overload("hub", bench, members, max(seconds, SECONDS))]
