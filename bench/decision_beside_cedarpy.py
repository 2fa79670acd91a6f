"""A decision of the hub beside the same one of bare cedarpy: same rules and facts, parsed before on every side.

Questions that nobody asked before, questions that are remembered, all that the gate does for a message but reading the
policies (the decision, and its row for the ledger, encoded), and with the quota behind it, in a real Redis.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count as endless
from itertools import islice
from typing import Final
from uuid import uuid4

from cedarpy import Entities, PolicySet, is_authorized

from aiox.commands import gate
from aiox.kernel.actions import Action
from aiox.kernel.ids import OwnerId
from aiox.runtime.clock import SystemClock
from bench.governed_message import GovernedMessage, governed
from bench.measure import Figure
from policy.access import Relation
from policy.cedar.baseline import baseline
from policy.cedar.facts import Facts
from policy.cedar.judge import Policies, hub_level
from policy.cedar.level import Level

NAME: Final = "decision-beside-cedarpy"
_RULES: Final = """
@id("weekend") forbid(principal, action == Action::"agent.invoke", resource) when { context.channel == "smtp" };
@id("mail") @hold("four_eyes")
forbid(principal, action == Action::"tool.call", resource) when { context.risk == "high" };
"""


def facts_of(number: int) -> Facts:
    """A question by somebody of this number."""
    actor = f"person-{number}@hub.example"
    return Facts(Action.AGENT_INVOKE, Relation.OWNER, actor=actor, resource="a", channel="xmpp")


@dataclass(frozen=True, slots=True)
class Decisions:
    """One way to decide. `decide` gets the number of the question."""

    name: str
    decide: Callable[[int], object]
    count: int
    numbers: Iterator[int]
    """Of the questions; none comes twice, over all rounds."""

    async def measure(self) -> Sequence[Figure]:
        """One round: decisions a second, and processor time of each."""
        began, busy = time.perf_counter(), time.process_time()
        for number in islice(self.numbers, self.count):
            self.decide(number)
        took, used = time.perf_counter() - began, time.process_time() - busy
        return [
            Figure("decisions", "1/s", self.count / took, higher_is_better=True),
            Figure("CPU of one", "us", used / self.count * 1e6, higher_is_better=False),
        ]


def ways_to_decide(count: int) -> list[Decisions]:
    """The four sides; the bare library first."""
    level = hub_level(1, _RULES)
    if not isinstance(level, Level):
        raise TypeError(f"the rules of the bench are broken: {level}")
    parsed, nothing = PolicySet.from_str(baseline() + _RULES), Entities.from_json_str("[]")
    fresh, known, other = Policies([level]), Policies([level]), Policies([level])
    clock, owner = SystemClock(), OwnerId(uuid4())

    def message(number: int) -> bytes:
        decided = other.decide(facts_of(number))
        return gate.decision(clock, decided, owner, uuid4()).encode()

    return [
        Decisions(
            "bare cedarpy", lambda number: is_authorized(facts_of(number).request, parsed, nothing), count, endless()
        ),
        Decisions("hub, new question", lambda number: fresh.decide(facts_of(number)), count, endless()),
        Decisions("hub, known question", lambda _: known.decide(facts_of(0)), count, endless()),
        Decisions("gate and policy of a message", message, count, endless()),
    ]


@asynccontextmanager
async def sides(_clients: int, _questions: int, seconds: float) -> AsyncIterator[list[Decisions | GovernedMessage]]:
    """Redis alone. `seconds` sets the decisions of a round: 1,000 for each, a fifth of it where Redis is asked."""
    count = max(100, int(1000 * seconds))
    level = hub_level(1, _RULES)
    if not isinstance(level, Level):
        raise TypeError(f"the rules of the bench are broken: {level}")
    facts = [facts_of(number) for number in range(count // 5)]
    async with governed(Policies([level]), facts) as whole:
        yield [*ways_to_decide(count), whole]
