"""First scenario: the hub beside a bare slixmpp echo component on the same server, asked by the same clients.

The echo does one thing; the hub does all fifteen steps for each message, with a model that answers at once. The ratio
is therefore the price of everything between a message and the model.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.light_client import LightClient, all_at_once, connected, one_by_one
from bench.measure import Figure, Side
from bench.peers import python
from bench.people import people
from bench.throwaway import ECHO_DOMAIN, child, hub

NAME: Final = "hub-beside-echo"
_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Asked:
    """One side: the same clients, each with its own partner."""

    name: str
    clients: list[LightClient]
    partners: list[str]
    questions: int
    seconds: float

    async def measure(self) -> Sequence[Figure]:
        """Latency without load from one client, then throughput of all."""
        unloaded = await one_by_one(self.clients[0], self.partners[0], self.questions)
        return [*unloaded, *await all_at_once(self.clients, self.partners, self.seconds)]


@asynccontextmanager
async def sides(clients: int, questions: int, seconds: float) -> AsyncIterator[list[Side]]:
    """Both sides, running."""
    lines: list[str] = []
    async with (
        child(sys.executable, "-m", "bench.stub_model", first_line_to=lines),
        hub(lines[0]) as bench,
        child(
            *(python(), _FOLDER / "echo_component.py", ECHO_DOMAIN, str(bench.echo_port)),
            first_line_to=lines,
            text=f"{bench.echo_secret}\n",
        ),
    ):
        if lines[1] != "ready":
            raise RuntimeError(f"the echo component did not start: {lines[1]}")
        asked = await people(bench.home, bench.settings, clients)
        ready = await connected([person.login for person in asked])
        echoes = [f"echo{number}@{ECHO_DOMAIN}" for number in range(clients)]
        try:
            yield [
                Asked("bare echo", ready, echoes, questions, seconds),
                Asked("hub", ready, [person.agent for person in asked], questions, seconds),
            ]
        finally:
            for client in ready:
                await client.disconnect()
