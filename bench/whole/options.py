"""How long and how big the parts are. The full figures are the default; anything smaller is a try, and says so."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.whole.record import FOLDER

PARTS: Final = ("echoes", "models", "thousand", "growth")
_TIMES: Final = ("rounds", "seconds", "thousand_seconds")
_FIGURES: Final = (*_TIMES, "clients", "agents", "per_minute", "many_agents", "many_memories")


@dataclass(frozen=True)
class Options:
    """What was asked for. Times in seconds."""

    parts: Sequence[str] = PARTS
    rounds: int = 5
    seconds: float = 8.0
    """Of each loop."""
    thousand_seconds: float = 300.0
    clients: int = 32
    agents: int = 1000
    per_minute: float = 10_000
    """Messages of all agents together."""
    many_agents: int = 100_000
    many_memories: int = 1_000_000
    folder: Path = FOLDER

    @property
    def full(self) -> bool:
        """Whether nothing is smaller than it is meant to be."""
        return all(getattr(self, name) >= getattr(Options, name) for name in _FIGURES)


def asked(words: Sequence[str]) -> Options:
    """Reads `python -m bench whole ...`. Ends the program with a sentence when it makes no sense."""
    usage = argparse.ArgumentParser(prog="bench whole", description="Measures the whole hub beside its peers.")
    usage.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="all when left out")
    usage.add_argument("--rounds", type=int, default=Options.rounds, help="of each side, after one warm-up")
    usage.add_argument("--seconds", type=float, help="length of every loop, that of a thousand agents, too")
    usage.add_argument("--small", action="store_true", help="50 agents for 1,000, and growth to 2,000 and 20,000")
    usage.add_argument("--folder", type=Path, default=FOLDER, help="for what is seen; docs/performance.md reads one")
    chosen = usage.parse_args(words)
    given = Options(parts=chosen.parts, rounds=chosen.rounds, folder=chosen.folder)
    return _smaller(given, chosen.seconds, small=chosen.small)


def _smaller(given: Options, seconds: float | None, *, small: bool) -> Options:
    return Options(
        parts=given.parts,
        rounds=given.rounds,
        folder=given.folder,
        seconds=seconds or given.seconds,
        thousand_seconds=seconds or given.thousand_seconds,
        agents=50 if small else given.agents,
        per_minute=1200 if small else given.per_minute,
        many_agents=2000 if small else given.many_agents,
        many_memories=20_000 if small else given.many_memories,
    )
