"""Turns that no worker will have a place for soon wait here, before anything is read or set aside for them.

Of each pool of workers so many turns are begun as policy/workers.py says: they run, or stand ready behind those that
run. The others wait in the same order, that of policy/scoring.py, by what the last turns of their agents scored. So a
burst costs no more than can be answered, which leaves the processors and the registry to turns of high priority; and
what is judged and reserved is not old when the turn runs.

Not held up: agents of high priority and those of which nothing is known yet, what no worker does (a command, a
reaction, an invitation), a held turn that goes on, what brings files, which may take their time and no worker's, and
what is for a pool without workers, which is to be told so. Nobody for longer than LONGEST_S at each attempt: how many
may wait at all is what the door decides (policy/pressure.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from aiox.commands.chat_command import parse
from aiox.kernel.envelope import MESSAGE
from orchestrator.known_agents import KnownAgent, KnownAgents
from orchestrator.proofs import Turn
from orchestrator.turnstile import Turnstile
from policy.scoring import due
from policy.workers import HIGH_PRIORITY, Demand, most_begun

LONGEST_S: Final = 2.0


class Backlog:
    """One of an orchestrator. `places` says how many turns a pool's workers take at a time."""

    def __init__(self, agents: KnownAgents, places: Callable[[str], int]) -> None:
        self._agents = agents
        self._places = places
        self._turnstiles: dict[str, Turnstile] = {}

    @asynccontextmanager
    async def passed(self, turn: Turn) -> AsyncIterator[None]:
        """Within it the turn is begun."""
        agent = self._agents.of(turn.message.agent_jid)
        if agent is None or not self._holds_up(agent) or not _needs_a_worker(turn):
            yield
            return
        async with self._turnstile(agent.pool).passed(due(agent.points, turn.admitted_s), LONGEST_S):
            yield

    def added_to(self, demand: Demand) -> Demand:
        """What is asked of the workers, with the turns that wait here."""
        waits = [wait for turnstile in self._turnstiles.values() for wait in turnstile.waits()]
        oldest = max(waits, default=0.0)
        return replace(demand, queued=demand.queued + len(waits), oldest_wait_s=max(oldest, demand.oldest_wait_s))

    def _holds_up(self, agent: KnownAgent) -> bool:
        return agent.priority < HIGH_PRIORITY and self._places(agent.pool) > 0

    def _turnstile(self, pool: str) -> Turnstile:
        known = self._turnstiles.get(pool)
        if known is None:
            known = self._turnstiles[pool] = Turnstile(partial(self._room, pool))
        return known

    def _room(self, pool: str) -> float:
        return most_begun(self._places(pool))


def _needs_a_worker(turn: Turn) -> bool:
    """A model's words are no command (steps/command.py)."""
    message = turn.message
    asks = message.question is not None or parse(message.body) is None
    return asks and turn.envelope.type == MESSAGE and not message.attachments
