"""(a), (b) and (f): a bare slixmpp component, a SPADE agent and the hub, on one server with one archive.

All three are asked the same by the same people. The hub does all of its fifteen steps for each message, with a model
that answers at once and no long-term memory; the others send the text back. In each round everybody is asked as fast as
they answer, and then at half of what the hub has carried in that round.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiox.runtime.clock import SystemClock
from bench.peers import python
from bench.people import Person, people
from bench.throwaway import ECHO_DOMAIN, Bench, child, hub, started
from bench.whole.asking import Askers, Side, askers
from bench.whole.options import Options
from bench.whole.record import Record, head

NAME: Final = "echoes"
BARE, SPADE, HUB = "bare slixmpp component", "SPADE agent", "AIOX"
HALF: Final = "half load"
SHARED: Final = ("ejabberd", "postgres")
"""Processes that work for everybody who answers on this server."""
AGENTS: Final = 4
"""Of each person of the open loop: messages of one conversation seldom meet."""
_BENCH: Final = Path(__file__).parents[1]


async def measure(options: Options) -> None:
    """The whole part, from an empty home to the file."""
    facts = {
        "durability": "JetStream syncs each message before its receipt, PostgreSQL commits synchronously; the archive"
        " (MAM) of ejabberd is in the same PostgreSQL for all sides",
        "model": "a stub on this machine that answers at once, streamed",
        "clients": f"{options.clients} in the closed loop, as many with {AGENTS} conversations each in the open one",
        "lengths": f"{options.rounds} rounds after a warm-up, loops of {options.seconds:g} s",
        "telemetry": "no traces, log level WARNING",
    }
    record = Record(options.folder / f"{NAME}.jsonl", head(NAME, SystemClock(), facts, full=options.full))
    async with _sides(options) as (asked, sides):
        for number in range(options.rounds + 1):
            rates = {side.name: await asked.closed(side, options.seconds, record, number) for side in sides}
            for side in sides:
                await asked.open(side, rates[HUB] / 2, options.seconds, HALF, record, number)
        await asked.idle(sides[-1], options.seconds, record, 1)


@dataclass(frozen=True, slots=True)
class _Peers:
    bare: int
    spade: int
    spade_jid: str


@asynccontextmanager
async def _sides(options: Options) -> AsyncIterator[tuple[Askers, Sequence[Side]]]:
    lines: list[str] = []
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(child(sys.executable, "-m", "bench.stub_model", first_line_to=lines))
        bench = await parts.enter_async_context(hub(lines[0]))
        peers = await _peers(parts, bench)
        fields = {"memory_config": {"long_term_enabled": False}}
        closed = await people(bench.home, bench.settings, options.clients, 1, "closed", **fields)
        opened = await people(bench.home, bench.settings, options.clients, AGENTS, "open", **fields)
        asked = await parts.enter_async_context(askers(closed, opened))
        yield asked, _all(bench, peers, closed, opened)


def _all(bench: Bench, peers: _Peers, closed: Sequence[Person], opened: Sequence[Person]) -> list[Side]:
    shared = {name: bench.pids[name] for name in SHARED}

    def side(name: str, partner: str, roots: Mapping[str, int]) -> Side:
        """Who has one partner for everybody, or as many addresses as it likes."""
        first = [partner.format(number) for number in range(len(closed))]
        others = [[partner.format(AGENTS * n + m) for m in range(AGENTS)] for n in range(len(opened))]
        return Side(name, first, others, {**shared, **roots})

    return [
        side(BARE, f"echo{{}}@{ECHO_DOMAIN}", {"echo component": peers.bare}),
        side(SPADE, peers.spade_jid, {"SPADE agent": peers.spade}),
        Side(HUB, [one.agent for one in closed], [one.agents for one in opened], bench.pids),
    ]


async def _peers(parts: AsyncExitStack, bench: Bench) -> _Peers:
    """Both peers, connected. Raises RuntimeError when one does not come up."""
    bare = await parts.enter_async_context(
        started(
            *(python(), _BENCH / "echo_component.py", ECHO_DOMAIN, str(bench.echo_port)), text=f"{bench.echo_secret}\n"
        )
    )
    [account] = await people(bench.home, bench.settings, 1, 0, "spade")
    script = (python("spade", constrained=False), _BENCH / "whole" / "spade_echo.py", account.login.jid)
    spade = await parts.enter_async_context(
        started(*script, str(bench.unshaped_port), text=f"{account.login.password}\n")
    )
    for name, process in ((BARE, bare), (SPADE, spade)):
        if process.first_line != "ready":
            raise RuntimeError(f"the {name} did not start: {process.first_line}")
    return _Peers(bare.pid, spade.pid, account.login.jid)
