"""`python -m bench`: runs the scenarios, keeps the raw samples under bench/results, prints a table for each.

`python -m bench whole` is everything in one run, with a page (bench/whole).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvloop

from aiox.runtime.clock import SystemClock
from bench import (
    api_beside_bare,
    decision_beside_cedarpy,
    embeddings,
    footprint,
    hub_beside_echo,
    ledger_beside_insert,
    model_beside_litellm,
    overload,
    sandbox_beside_plain,
)
from bench.measure import Samples, Side, interleave
from bench.report import machine_line, table
from bench.whole import run as whole

RESULTS = Path(__file__).parent / "results"
SCENARIOS: dict[str, Callable[[int, int, float], AbstractAsyncContextManager[Sequence[Side]]]] = {
    hub_beside_echo.NAME: hub_beside_echo.sides,
    overload.NAME: overload.sides,
    api_beside_bare.NAME: api_beside_bare.sides,
    ledger_beside_insert.NAME: ledger_beside_insert.sides,
    decision_beside_cedarpy.NAME: decision_beside_cedarpy.sides,
    embeddings.NAME: embeddings.sides,
    model_beside_litellm.NAME: model_beside_litellm.sides,
    footprint.NAME: footprint.sides,
    sandbox_beside_plain.NAME: sandbox_beside_plain.sides,
}


async def run(name: str, rounds: int, clients: int, questions: int, seconds: float) -> None:
    """One scenario from start to table."""
    stamp = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
    samples = Samples(RESULTS / f"{name}-{stamp}.jsonl", machine_line())
    async with SCENARIOS[name](clients, questions, seconds) as sides:
        measured = await interleave(name, sides, rounds, samples.keep)
    print(f"\n{name}: {rounds} rounds, interleaved\n{machine_line()}\n{table(measured)}")
    print("ratio: this side against the first; above 1 is better")


def main() -> None:
    """Reads the arguments and runs what was asked for. `whole` has arguments of its own."""
    if sys.argv[1:2] == ["whole"]:
        whole.main(sys.argv[2:])
        return
    arguments = argparse.ArgumentParser(prog="bench", description="Measures AIOX beside its peers.")
    arguments.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], help="all when left out")
    arguments.add_argument("--rounds", type=int, default=5, help="rounds of each side, after one warm-up")
    arguments.add_argument("--clients", type=int, default=32, help="clients of the closed loop")
    arguments.add_argument("--questions", type=int, default=200, help="questions of the unloaded client per round")
    arguments.add_argument("--seconds", type=float, default=10.0, help="length of each closed loop")
    chosen = arguments.parse_args()
    for variable in [name for name in os.environ if name.startswith("AIOX_")]:
        del os.environ[variable]  # the throw-away hub is nobody's but the bench's
    for name in chosen.scenario or SCENARIOS:
        uvloop.run(run(name, chosen.rounds, chosen.clients, chosen.questions, chosen.seconds))


if __name__ == "__main__":
    main()
