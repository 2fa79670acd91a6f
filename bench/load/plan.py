"""Who asks what when: pure, and the same for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.load.bodies import Size, chosen, filled

_MARK = re.compile(r"\[([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\]")


@dataclass(frozen=True, slots=True)
class Planned:
    """One message: `at` seconds after the start, by the person of this number to its agent of this number."""

    at: float
    person: int
    agent: int
    id: str
    text: str


def plan(
    seed: int,
    messages: int,
    seconds: float,
    people: int,
    agents: int,
    first: int = 0,
    word: str = "question",
    sizes: Sequence[Size] = (),
) -> list[Planned]:
    """`messages` at random moments of `seconds` (a Poisson process of known count), over all conversations alike.

    Each text carries its message's id, which a stub model echoes: so an answer names what it answers. `first` numbers
    the texts, and plans of one seed with different `first` share no id. With `sizes`, texts are as long as they say.
    """
    chance = random.Random(f"{seed}:{first}:{word}")
    moments = sorted(chance.uniform(0, seconds) for _ in range(messages))
    planned = []
    for number, at in enumerate(moments, first):
        message_id = str(UUID(int=chance.getrandbits(128), version=4))
        conversation = chance.randrange(people * agents)
        text = f"[{message_id}] {word} {number}"
        if sizes:
            text = filled(text, chosen(sizes, chance), chance)
        planned.append(Planned(at, conversation // agents, conversation % agents, message_id, text))
    return planned


def marks(text: str) -> tuple[str, ...]:
    """The ids of the messages that a text names, in order."""
    return tuple(_MARK.findall(text))


def share(planned: Iterable[Planned], number: int, of: int) -> Sequence[Planned]:
    """The part of a plan that falls to process `number` of `of`: whole people, so that each has one client."""
    return [message for message in planned if message.person % of == number]
