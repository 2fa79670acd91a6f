"""(c) and (g): the hub with memory search and a model that takes 20 ms, beside the LiteLLM proxy with a key.

The same model is asked three ways: directly, through the proxy, and through the hub, which looks up what its agent
knows first and does all else that it does for a message. The proxy's requests are not streamed, and its key is the
master key: virtual keys need its database, and each would be looked up. Both make the peer faster, not slower.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import aiohttp

from aiox.runtime.clock import SystemClock
from bench.measure import percentile
from bench.people import people
from bench.throwaway import hub, started
from bench.whole import cpu
from bench.whole.asking import CLOSED, Askers, Side, askers, per_message
from bench.whole.known import QUESTION, know
from bench.whole.litellm_proxy import KEY, MODEL, proxy
from bench.whole.options import Options
from bench.whole.record import Point, Record, head

NAME: Final = "models"
DIRECT, LITELLM, HUB = "the model itself", "LiteLLM proxy", "AIOX with memory"
UNLOADED: Final = "one after the other"
MODEL_MS: Final = 20
KNOWN: Final = 200_000
"""Characters of documents that the agent knows."""
UNLOADED_RATE: Final = 5.0
"""Messages a second of one person: slower than they are answered."""


async def measure(options: Options) -> None:
    """The whole part, from an empty home to the file."""
    async with AsyncExitStack() as parts:
        record, direct, hub_side, asked = await _start(parts, options)
        for number in range(options.rounds + 1):
            for one in direct:
                await one.loops(options, record, number)
            await asked.closed(hub_side, options.seconds, record, number)
            await asked.open(hub_side, UNLOADED_RATE, options.seconds, UNLOADED, record, number)


async def _start(parts: AsyncExitStack, options: Options) -> tuple[Record, Sequence[Http], Side, Askers]:
    stub = await parts.enter_async_context(
        started(sys.executable, "-m", "bench.stub_model", "--latency-ms", str(MODEL_MS))
    )
    bench = await parts.enter_async_context(hub(stub.first_line))
    [teacher] = await people(bench.home, bench.settings, 1, 1, "teacher", visibility="public")
    passages = await know(bench, teacher, KNOWN)
    closed = await people(bench.home, bench.settings, options.clients, 0, "closed")
    opened = await people(bench.home, bench.settings, 4, 0, "open")
    asked = await parts.enter_async_context(askers(closed, opened))
    server, url = await parts.enter_async_context(proxy(stub.first_line))
    session = await parts.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    direct = (
        Http(DIRECT, session, f"{stub.first_line}/chat/completions", options.clients, {}),
        Http(LITELLM, session, f"{url}/v1/chat/completions", options.clients, {"LiteLLM": server}),
    )
    side = Side(HUB, [teacher.agent] * len(closed), [[teacher.agent]] * len(opened), bench.pids, QUESTION)
    record = Record(
        options.folder / f"{NAME}.jsonl", head(NAME, SystemClock(), _facts(options, passages), full=options.full)
    )
    return record, direct, side, asked


def _facts(options: Options, passages: int) -> dict[str, str]:
    return {
        "durability": "of the hub as in `echoes`; the proxy stores nothing",
        "model": f"a stub on this machine that takes {MODEL_MS} ms",
        "memory": f"one agent of all people that knows {passages} passages; each question is new and is embedded",
        "LiteLLM": "master key, one worker process for each core, LITELLM_MODE=PRODUCTION, LITELLM_LOG=ERROR, no"
        " database",
        "clients": f"{options.clients} in the closed loop; one in the other, of the hub {UNLOADED_RATE:g} messages/s",
        "lengths": f"{options.rounds} rounds after a warm-up, loops of {options.seconds:g} s",
    }


@dataclass(frozen=True, slots=True)
class Http:
    """Who is asked over HTTP, as OpenAI's clients ask."""

    name: str
    session: aiohttp.ClientSession
    url: str
    clients: int
    roots: Mapping[str, int]

    async def loops(self, options: Options, record: Record, number: int) -> None:
        """Both loops, put on record. Raises RuntimeError for an answer that is none."""
        before, began = cpu.used(self.roots), time.perf_counter()
        loops = await asyncio.gather(*(self._loop(began, options.seconds) for _ in range(self.clients)))
        took, used = time.perf_counter() - began, cpu.spent(before, cpu.used(self.roots))
        self._keep(CLOSED, sorted(point for loop in loops for point in loop), record, number, took, used)
        began = time.perf_counter()
        points = await self._loop(began, options.seconds)
        self._keep(UNLOADED, points, record, number, time.perf_counter() - began, {})

    def _keep(
        self, loop: str, points: Sequence[Point], record: Record, number: int, took: float, used: Mapping[str, float]
    ) -> None:
        times = [ms for _, ms in points]
        found = [(loop, "messages/s", len(points) / took)]
        found += [(f"{loop} p{n}", "ms", percentile(times, n / 100)) for n in (50, 99)]
        record.figures(self.name, number, found + (per_message(used, len(points), loop) if used else []))
        record.times(self.name, number, loop, points)

    async def _loop(self, began: float, seconds: float) -> list[Point]:
        points: list[Point] = []
        while (at := time.perf_counter() - began) < seconds:
            asked = time.perf_counter()
            await self._ask(f"{QUESTION} {len(points)}")
            points.append((at, (time.perf_counter() - asked) * 1000))
        return points

    async def _ask(self, question: str) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": question}]}
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self.session.post(self.url, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200 or question not in text:
                raise RuntimeError(f"{self.name}: {answer.status} {text[:300]}")
