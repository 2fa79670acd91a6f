"""The API beside a bare handler: reading one agent, with all that stands around it, and the query alone.

The API checks the token and its session, counts the request, asks the gate, writes the decision into the ledger, reads,
unseals the prompt and validates the answer. The ratio is the price of that.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

from aiox.cli.stack import services
from bench.measure import Figure, Side, percentile
from bench.people import Person, people
from bench.throwaway import NO_LIMIT, Bench, child, free_ports, hub

NAME: Final = "api-beside-bare"


@dataclass(frozen=True, slots=True)
class Reader:
    """One side: the same client reads the same agent, again and again."""

    name: str
    url: str
    headers: Mapping[str, str]
    clients: int
    requests: int
    seconds: float

    async def measure(self) -> Sequence[Figure]:
        """Latency of one client without load, then the throughput of several."""
        async with aiohttp.ClientSession(headers=self.headers) as session:
            times = [await self._read(session) for _ in range(self.requests)]
            until = time.perf_counter() + self.seconds
            counts = await asyncio.gather(*(self._read_until(session, until) for _ in range(self.clients)))
        return [
            Figure("read p50", "ms", 1000 * percentile(times, 0.5)),
            Figure("read p95", "ms", 1000 * percentile(times, 0.95)),
            Figure("reads", "1/s", sum(counts) / self.seconds, higher_is_better=True),
        ]

    async def _read(self, session: aiohttp.ClientSession) -> float:
        began = time.perf_counter()
        async with session.get(self.url) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{self.name}: {answer.status} {body[:200]!r}")
        return time.perf_counter() - began

    async def _read_until(self, session: aiohttp.ClientSession, until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            await self._read(session)
            count += 1
        return count


@asynccontextmanager
async def sides(clients: int, questions: int, seconds: float) -> AsyncIterator[list[Side]]:
    """Both sides, running on the same stores."""
    lines: list[str] = []
    async with (
        child(sys.executable, "-m", "bench.stub_model", first_line_to=lines),
        hub(lines[0], agents_per_minute=NO_LIMIT) as bench,
    ):
        [person] = await people(bench.home, bench.settings, 1)
        agent = person.agent.partition("@")[0].removeprefix("agent-")
        gateway = await services.start(bench.home, bench.settings, "gateway")
        [port] = free_ports(1)
        command = (sys.executable, "-m", "bench.bare_api", str(bench.home.root), str(port), str(person.owner))
        try:
            async with child(*command, first_line_to=lines):
                if lines[1] != "ready":
                    raise RuntimeError(f"the bare handler did not start: {lines[1]}")
                token = await _sign_in(bench, person)
                api = f"http://127.0.0.1:{bench.settings.ports.gateway}/v1/agents/{agent}"
                few = min(clients, 8)
                yield [
                    Reader("bare handler", f"http://127.0.0.1:{port}/agents/{agent}", {}, few, questions, seconds),
                    Reader("API", api, {"Authorization": f"Bearer {token}"}, few, questions, seconds),
                ]
        finally:
            await gateway.stop()


async def _sign_in(bench: Bench, person: Person) -> str:
    fields = {
        "email": f"{person.login.jid.partition('@')[0]}@example.org",
        "password": person.login.password,
    }
    url = f"http://127.0.0.1:{bench.settings.ports.gateway}/v1/sessions"
    async with aiohttp.ClientSession() as session, session.post(url, json=fields) as answer:
        token: str = (await answer.json())["access_token"]
        return token
