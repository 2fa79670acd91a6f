"""`python -m bench.load`: offers a throw-away hub so many messages a second, and keeps what became of each.

An open loop: messages come at random moments whether or not anything was answered. Left in `bench/results`: one line of
JSON per message, a summary as Markdown, three pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import uvloop

from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import connect_database
from bench.load.bodies import MIXES
from bench.load.crowd import Member
from bench.load.fleet import Sample, run_fleet
from bench.load.plan import plan
from bench.load.report import pictures, rows, summary
from bench.people import people
from bench.report import machine_line
from bench.throwaway import Bench, child, hub

RESULTS: Final = Path(__file__).parents[1] / "results"
DRAIN_S: Final = 20.0
WARM_S: Final = 3.0
"""Before the run: connections, caches and imports are not what is measured."""


def arguments() -> argparse.Namespace:
    """What was asked for."""
    asked = argparse.ArgumentParser(prog="bench.load", description="Loads a throw-away hub, in an open loop.")
    asked.add_argument("--rate", type=float, default=20.0, help="messages a second, of all people together")
    asked.add_argument("--seconds", type=float, default=20.0, help="length of the run")
    asked.add_argument("--people", type=int, default=20)
    asked.add_argument("--agents", type=int, default=2, help="of each person")
    asked.add_argument(
        "--sizes", choices=sorted(MIXES), default="mixed", help="how long texts are (bench/load/bodies.py)"
    )
    asked.add_argument("--model-ms", type=int, default=0, help="what the stub model takes for an answer")
    asked.add_argument("--processes", type=int, default=1, help="of the load generator")
    asked.add_argument("--seed", type=int, default=1)
    return asked.parse_args()


async def run(asked: argparse.Namespace) -> Path:
    """One run, from an empty machine to the summary, whose path is returned."""
    lines: list[str] = []
    began = f"{os.getloadavg()[0]:.1f}"
    async with (
        child(sys.executable, "-m", "bench.stub_model", "--latency-ms", str(asked.model_ms), first_line_to=lines),
        hub(lines[0]) as bench,
    ):
        made = await people(bench.home, bench.settings, asked.people, asked.agents)
        members = [Member(person.login, person.agents) for person in made]
        who = len(members), asked.agents
        await run_fleet(members, plan(asked.seed + 1, round(asked.rate * WARM_S), WARM_S, *who), DRAIN_S)
        planned = plan(asked.seed, round(asked.rate * asked.seconds), asked.seconds, *who, sizes=MIXES[asked.sizes])
        samples = await run_fleet(members, planned, DRAIN_S, asked.processes)
        facts = {**_facts(asked), "load average when it began": began, **await _times(bench)}
    return keep(samples, facts, asked.sizes)


def _facts(asked: argparse.Namespace) -> dict[str, str]:
    return {
        "machine": machine_line(),
        "offered": f"{asked.rate:g} messages/s for {asked.seconds:g} s, open loop, seed {asked.seed}",
        "texts": asked.sizes,
        "people": f"{asked.people} with {asked.agents} agents each, {asked.processes} process(es) of the generator",
        "model": f"a stub that takes {asked.model_ms} ms",
        "durability": "JetStream syncs each message before its receipt; PostgreSQL commits synchronously",
    }


async def _times(bench: Bench) -> dict[str, str]:
    """Of all turns, as the hub itself has put them down."""
    password = bench.home.secrets("stack").read("postgres")
    connection = await connect_database(bench.settings.ports.postgres, "postgres", password, "aiox")
    try:
        found = {}
        for whose in ("platform", "worker"):
            row = await connection.fetchrow(
                f"SELECT percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY {whose}_latency_ms) AS at"  # noqa: S608
                " FROM executions"
            )
            p50, p95, p99 = row["at"] if row is not None and row["at"] else (0, 0, 0)
            found[f"{whose} latency"] = f"p50 {p50} ms, p95 {p95} ms, p99 {p99} ms"
    finally:
        await connection.close()
    return found


def keep(samples: list[Sample], facts: dict[str, str], mix: str, folder: Path = RESULTS) -> Path:
    """Writes raw samples, summary and pictures; returns the path of the summary."""
    name = f"load-{SystemClock().now().strftime('%Y%m%dT%H%M%SZ')}"
    folder.mkdir(parents=True, exist_ok=True)
    raw = [json.dumps({"machine": facts.get("machine", ""), "offered": facts.get("offered", "")})]
    raw += [json.dumps(asdict(sample)) for sample in samples]
    (folder / f"{name}.jsonl").write_text("\n".join(raw) + "\n")
    drawn = pictures(samples, MIXES[mix])
    for what, text in drawn.items():
        (folder / f"{name}-{what}.svg").write_text(text)
    page = summary(f"Load, {name.removeprefix('load-')}", facts, rows(samples, MIXES[mix]))
    shown = "\n".join(f"![{what}]({name}-{what}.svg)" for what in drawn)
    path = folder / f"{name}.md"
    path.write_text(f"{page}\n{shown}\n")
    return path


def main() -> None:
    """Runs, and prints the summary."""
    asked = arguments()
    for variable in [name for name in os.environ if name.startswith("AIOX_")]:
        del os.environ[variable]  # the throw-away hub is nobody's but the bench's
    path = uvloop.run(run(asked))
    print(path.read_text())
    print(path)


if __name__ == "__main__":
    main()
