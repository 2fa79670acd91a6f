"""Rounds of chaos: volleys of messages, and in each of them one process dies while it holds unfinished work."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.keeper import PARTS
from tests.chaos.traffic import Traffic

LATEST_S: Final = 4.0
"""A part that holds nothing for so long after a volley began is not killed in this volley."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed, what it held then, and how long it took until the hub was whole again."""

    part: str
    held: str
    seconds: float


@dataclass(slots=True)
class Round:
    """What a round did. `idle` counts volleys in which the part held nothing: nobody was killed then."""

    kills: list[Kill] = field(default_factory=list)
    volleys: int = 0
    idle: int = 0

    def figures(self) -> str:
        """One line: kills by part, volleys, and the slowest way back."""
        of = Counter(kill.part for kill in self.kills)
        counts = ", ".join(f"{part} {of[part]}" for part in PARTS)
        slowest = max(self.kills, key=lambda kill: kill.seconds)
        back = f"slowest back {slowest.seconds:.1f} s ({slowest.part})"
        return f"{len(self.kills)} kills ({counts}) in {self.volleys} volleys, {self.idle} idle; {back}"


def order(seed: int, kills: int) -> list[str]:
    """Which parts die in turn: each about equally often, in an order that the seed gives."""
    chance = random.Random(f"order:{seed}")
    parts: list[str] = []
    while len(parts) < kills:
        parts += chance.sample(PARTS, len(PARTS))
    return parts[:kills]


async def run_round(
    traffic: Traffic,
    parts: Sequence[str],
    messages: int,
    seconds: float,
    tell: Callable[[str], None] = lambda _: None,
) -> Round:
    """Kills `parts` in turn, each within a volley of `messages` over `seconds`, while it holds work.

    A volley in which the part held nothing does not count and is repeated. `tell` gets a line for every kill.
    """
    chance = random.Random(f"moments:{traffic.seed}")
    done = Round()
    for part in parts:
        while (kill := await _volley(traffic, done.volleys, part, messages, seconds, chance)) is None:
            done.volleys += 1
            done.idle += 1
        done.volleys += 1
        done.kills.append(kill)
        said = (done.volleys) * messages
        tell(f"{len(done.kills)}/{len(parts)} {part}: held {kill.held}, whole again {kill.seconds:.1f} s; {said} sent")
    return done


async def _volley(
    traffic: Traffic, number: int, part: str, messages: int, seconds: float, chance: random.Random
) -> Kill | None:
    async with asyncio.TaskGroup() as group:
        group.create_task(traffic.volley(number, messages, seconds))
        await asyncio.sleep(chance.uniform(0.1, 0.8) * seconds)
        loop = asyncio.get_running_loop()
        until = loop.time() + LATEST_S
        while not (held := await holds(traffic, part)) and loop.time() < until:
            await asyncio.sleep(0.01)
        if held:
            began = loop.time()
            traffic.keeper.kill(part)
            await traffic.keeper.whole()
            kill = Kill(part, held, loop.time() - began)
    return kill if held else None


async def holds(traffic: Traffic, part: str) -> str:
    """The unfinished work that this part holds now, in words; empty when there is none."""
    unreceipted = traffic.crowd.unreceipted()
    if part == "ai_worker":
        return f"{traffic.model.thinking} model calls" if traffic.model.thinking else ""
    turns, unsent = await traffic.open_work()
    if part == "component":
        return f"{unreceipted} to admit, {unsent} to send" if unreceipted + unsent else ""
    if part == "ejabberd":
        return f"{unreceipted} to deliver, {unsent} to send" if unreceipted + unsent else ""
    return f"{turns} open turns" if turns else ""
