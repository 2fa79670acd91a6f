"""What an agent's last turn has shown of it: known before anything is read for the next one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from aiox.kernel.jid import BareJid

REMEMBERED: Final = 50_000


@dataclass(frozen=True, slots=True)
class KnownAgent:
    """What its owner gave it, and how its last turn was scored."""

    priority: float
    """Its weight, 0..1."""
    pool: str
    """Of workers."""
    points: float
    """The score of a turn of it while no place is free (policy.scoring), 0..1."""


class KnownAgents:
    """Those that were heard of last, by the address that was written to. One of an orchestrator."""

    def __init__(self) -> None:
        self._agents: OrderedDict[BareJid, KnownAgent] = OrderedDict()

    def learn(self, address: BareJid, agent: KnownAgent) -> None:
        """For its next turns. Beyond REMEMBERED the one that was not heard of for longest is forgotten."""
        self._agents[address] = agent
        self._agents.move_to_end(address)
        if len(self._agents) > REMEMBERED:
            self._agents.popitem(last=False)

    def of(self, address: BareJid) -> KnownAgent | None:
        """None for one of which nothing is known yet."""
        return self._agents.get(address)
