"""(d): 1,000 agents at 10,000 messages a minute for five minutes, in an open loop.

100 people with ten agents each; what each message became is kept, and the hub's own figures of the same turns.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiox.runtime.clock import SystemClock
from bench.load.crowd import Member
from bench.load.fleet import Sample, run_fleet
from bench.load.plan import plan
from bench.measure import percentile
from bench.people import people
from bench.throwaway import Bench, hub, started
from bench.whole import cpu
from bench.whole.asking import per_message
from bench.whole.known import superuser
from bench.whole.options import Options
from bench.whole.record import Record, head

NAME: Final = "thousand"
HUB: Final = "AIOX"
LOOP: Final = "open loop"
EACH: Final = 10
"""Agents of a person."""
WARM_S: Final = 10.0
DRAIN_S: Final = 60.0
_TIMES: Final = """
    SELECT count(*) AS turns,
        percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY platform_latency_ms) AS platform,
        percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY worker_latency_ms) AS worker
    FROM executions WHERE created_at >= $1"""


async def measure(options: Options) -> None:
    """The whole part, from an empty home to the file."""
    rate, seconds = options.per_minute / 60, options.thousand_seconds
    async with started(sys.executable, "-m", "bench.stub_model") as stub, hub(stub.first_line) as bench:
        made = await people(bench.home, bench.settings, options.agents // EACH, EACH)
        members = [Member(one.login, one.agents) for one in made]
        who = len(members), EACH
        await run_fleet(members, plan(1, round(rate / 4 * WARM_S), WARM_S, *who), DRAIN_S, processes=1)
        record = Record(options.folder / f"{NAME}.jsonl", head(NAME, SystemClock(), _facts(options), full=options.full))
        began, before = SystemClock().now(), cpu.used(bench.pids)
        samples = await run_fleet(members, plan(2, round(rate * seconds), seconds, *who), DRAIN_S, processes=1)
        used = cpu.spent(before, cpu.used(bench.pids))
        _keep(record, samples, seconds, used, await _times(bench, began))


def _facts(options: Options) -> dict[str, str]:
    return {
        "durability": "as in `echoes`",
        "model": "a stub on this machine that answers at once, streamed",
        "agents": f"{options.agents} of {options.agents // EACH} people, with the memory settings of a new agent",
        "offered": f"{options.per_minute:g} messages a minute for {options.thousand_seconds:g} s, at random moments",
    }


@dataclass(frozen=True, slots=True)
class _Hub:
    """What the hub has put down. Milliseconds: p50 and p99."""

    turns: int
    platform: tuple[float, float]
    worker: tuple[float, float]


async def _times(bench: Bench, began: datetime) -> _Hub:
    async with superuser(bench) as connection:
        row = await connection.fetchrow(_TIMES, began)
    if row is None or not row["turns"]:
        raise RuntimeError("the hub has no turn on record")
    return _Hub(row["turns"], tuple(row["platform"]), tuple(row["worker"]))


def _keep(record: Record, samples: list[Sample], seconds: float, used: dict[str, float], told: _Hub) -> None:
    answered = [one for one in samples if one.answered is not None]
    times = [one.latency_ms for one in answered]
    in_time = sum((one.answered or 0) <= seconds for one in answered)
    found = [
        ("sent", "messages", float(len(samples))),
        ("answered", "messages", float(len(answered))),
        ("refused", "messages", float(sum(one.answered is None and bool(one.error) for one in samples))),
        ("lost", "messages", float(sum(one.answered is None and not one.error for one in samples))),
        ("answered while asked", "messages/s", in_time / seconds),
        *((f"{LOOP} p{n}", "ms", percentile(times, n / 100)) for n in (50, 99)),
        ("turns", "turns", float(told.turns)),
        ("platform p50", "ms", told.platform[0]),
        ("platform p99", "ms", told.platform[1]),
        ("worker without model p50", "ms", told.worker[0]),
        ("worker without model p99", "ms", told.worker[1]),
        *per_message(used, len(samples), LOOP),
    ]
    record.figures(HUB, 1, found)
    record.times(HUB, 1, LOOP, [(one.scheduled, one.latency_ms) for one in answered])
