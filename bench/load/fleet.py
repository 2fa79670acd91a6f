"""The same crowd in several processes, so that the generator is not what is measured.

The parent hands each child its part of the plan as one JSON line on standard input, and starts all at one instant: the
monotonic clock is the machine's, so children and parent agree on it. `python -m bench.load.fleet` is the child.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.light_client import Login
from bench.load.crowd import Crowd, Member, crowd
from bench.load.plan import Planned, share

READY_S: Final = 120.0
_LINE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """What became of one message. Times in seconds after the start; None for what did not happen."""

    id: str
    person: int
    agent: int
    scheduled: float
    sent: float | None
    receipted: float | None
    answered: float | None
    error: str
    size: int = 0
    """Of the text, in bytes."""

    @property
    def latency_ms(self) -> float:
        """From the scheduled time to the answer; infinite without one."""
        return float("inf") if self.answered is None else (self.answered - self.scheduled) * 1000


class FleetBroke(Exception):
    """A child ended before it had reported. What it wrote stands on standard error."""


async def run_fleet(
    members: Sequence[Member], planned: Sequence[Planned], drain_s: float, processes: int = 2, resend: bool = False
) -> list[Sample]:
    """Follows the plan and waits `drain_s` for late answers. Raises FleetBroke."""
    children = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.load.fleet"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        for _ in range(processes)
    ]
    try:
        for number, child in enumerate(children):
            part = [asdict(message) for message in share(planned, number, processes)]
            await _tell(child, {"members": _plain(members), "planned": part, "drain_s": drain_s, "resend": resend})
        async with asyncio.timeout(READY_S):
            for child in children:
                await _hear(child)
        start = time.monotonic() + 0.5
        for child in children:
            await _tell(child, {"start": start})
        answers = await asyncio.gather(*(_hear(child) for child in children))
    finally:
        for child in children:
            if child.returncode is None:
                child.terminate()
            await child.wait()
    samples = [Sample(**one) for answer in answers for one in answer["samples"]]
    return sorted(samples, key=lambda sample: sample.scheduled)


def _plain(members: Sequence[Member]) -> list[dict[str, Any]]:
    return [
        {
            "login": {**asdict(member.login), "ca": str(member.login.ca)},
            "agents": list(member.agents),
        }
        for member in members
    ]


async def _tell(child: asyncio.subprocess.Process, words: dict[str, Any]) -> None:
    if child.stdin is None:
        raise FleetBroke("no pipe")
    child.stdin.write(json.dumps(words).encode() + b"\n")
    await child.stdin.drain()


async def _hear(child: asyncio.subprocess.Process) -> dict[str, Any]:
    line = await child.stdout.readline() if child.stdout is not None else b""
    if not line:
        raise FleetBroke("a process of the load generator ended")
    words: dict[str, Any] = json.loads(line)
    return words


async def _child() -> None:
    given = json.loads(sys.stdin.readline())
    planned = [Planned(**one) for one in given["planned"]]
    here = sorted({message.person for message in planned})
    place = {person: number for number, person in enumerate(here)}
    members = [_member(given["members"][person]) for person in here]
    local = [Planned(m.at, place[m.person], m.agent, m.id, m.text) for m in planned]
    async with crowd(members, resend=given["resend"]) as people:
        print(json.dumps({"ready": True}), flush=True)
        start = json.loads(await asyncio.to_thread(sys.stdin.readline))["start"]
        gc.freeze()
        await people.follow(local, start)
        await people.answered(given["drain_s"])
        print(json.dumps({"samples": _samples(people, planned, start)}), flush=True)


def _member(given: dict[str, Any]) -> Member:
    login = given["login"]
    return Member(Login(login["jid"], login["password"], login["port"], Path(login["ca"])), given["agents"])


def _samples(people: Crowd, planned: Sequence[Planned], start: float) -> list[dict[str, Any]]:
    said = {message.id: message for message in people.messages()}
    samples = []
    for plan in planned:
        message = said[plan.id]
        times = (
            message.sent[0] if message.sent else None,
            message.receipted,
            message.answers[0][0] if message.answers else None,
        )
        sent, receipted, answered = (None if at is None else at - start for at in times)
        error = message.errors[0][3] or message.errors[0][2] if message.errors else ""
        size = len(plan.text.encode())
        samples.append(
            asdict(Sample(plan.id, plan.person, plan.agent, plan.at, sent, receipted, answered, error, size))
        )
    return samples


if __name__ == "__main__":
    uvloop.run(_child())
