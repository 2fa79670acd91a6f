"""Quota maths (SPEC 6): what a turn may reserve, what a refusal says, and what the counters are after Redis forgot.

Reserved are the counted input plus min(max_tokens, what the tightest window has left): the call is capped to it. A
turn is refused only when its input alone does not fit, or when too many turns run at once. What attempts before this
have cost (a model call that was cut off by a crash, or by one more message) is carried: it stays booked whatever comes.
`registry/quota_scripts.py` does the same sum atomically inside Redis; one contract test runs on both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

MINUTE_S: Final = 60
DAY_S: Final = 86_400
_MINUTES_A_DAY: Final = DAY_S // MINUTE_S


class Unit(StrEnum):
    """What a limit counts."""

    TOKENS = "tokens"
    TURNS = "turns at once"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class Window:
    """A budget over time. `limit` and `used` in tokens (reservations included); `resets_in_s` in seconds."""

    name: str
    limit: int
    used: int
    resets_in_s: int

    @property
    def left(self) -> int:
        """Tokens not yet used or reserved."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Slots:
    """How many turns may run at once, and how many do, this one not counted."""

    name: str
    limit: int
    taken: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens set aside for one turn, input and output together. `carried` are those of attempts that were cut off."""

    tokens: int
    input_tokens: int
    carried: int = 0

    @property
    def output_tokens(self) -> int:
        """The most that the model may write."""
        return self.tokens - self.input_tokens


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The limit that has no room, and when it resets; turns that run end by themselves, so those say 0 s."""

    window: str
    limit: int
    resets_in_s: int
    unit: Unit = Unit.TOKENS


def reserve(
    input_tokens: int, max_tokens: int, windows: Sequence[Window], slots: Sequence[Slots] = (), carried: int = 0
) -> Reservation | Exceeded:
    """What to set aside, `carried` apart. No window at all means no budget: refused. Turns at once come first."""
    for one in slots:
        if one.taken >= one.limit:
            return Exceeded(one.name, one.limit, 0, Unit.TURNS)
    if not windows:
        return Exceeded("none", 0, 0)
    tightest = min(windows, key=lambda window: window.limit - window.used)
    left = tightest.limit - tightest.used - carried
    if left <= input_tokens:
        return Exceeded(tightest.name, tightest.limit, tightest.resets_in_s)
    return Reservation(input_tokens + min(max_tokens, left - input_tokens), input_tokens, carried)


def refusal(exceeded: Exceeded) -> str:
    """The sentence for a person: which limit, and when it resets."""
    if exceeded.unit is Unit.TURNS:
        return f"The limit of {exceeded.limit} turns at once ({exceeded.window}) is reached. Try when one has ended."
    wait = f"{exceeded.resets_in_s} s" if exceeded.resets_in_s < 120 else f"{-(-exceeded.resets_in_s // 60)} min"
    return f"The limit of {exceeded.limit} {exceeded.unit} ({exceeded.window}) is used up. It resets in {wait}."


def window_key(scope: UUID, seconds: int, now_ms: int) -> str:
    """The name of one window of a budget: whose, how long, the number of the window since 1970."""
    return f"{scope}:{seconds}:{now_ms // (seconds * 1000)}"


@dataclass(frozen=True, slots=True)
class Held:
    """An open reservation, as its orchestrator knows it. `windows` and `slots` are the names of what it counts in."""

    turn: UUID
    owner: UUID
    tokens: int
    input_tokens: int
    crashed: int
    """Of attempts that died with their orchestrator."""
    carried: int
    """Of all attempts before this one."""
    windows: tuple[str, ...]
    slots: tuple[str, ...]
    holder: str
    until_ms: int
    used: int | None = None
    """What the turn has used in all, once it is settled."""

    @property
    def booked(self) -> int:
        """What it adds to each of its windows."""
        return self.tokens + self.carried if self.used is None else self.used


@dataclass(frozen=True, slots=True)
class Settled:
    """What the ledger's database says that a scope has used: in the newest minute, and in the day of that minute."""

    scope: UUID
    minute: int
    """Number of the minute since 1970."""
    minute_tokens: int
    day_tokens: int

    def counters(self) -> dict[str, int]:
        """As counters by window name."""
        day = self.minute // _MINUTES_A_DAY
        return {
            f"{self.scope}:{MINUTE_S}:{self.minute}": self.minute_tokens,
            f"{self.scope}:{DAY_S}:{day}": self.day_tokens,
        }


def rebuilt(settled: Iterable[Settled], held: Iterable[Held], concluded: Collection[UUID]) -> Mapping[str, int]:
    """The counters after Redis has forgotten them: settled usage, and every open turn that is not in it already.

    `settled` and `concluded` (turns with an outcome) are of one instant, so that a turn is counted once.
    """
    counters: Counter[str] = Counter()
    for one in settled:
        counters.update(one.counters())
    for turn in held:
        if turn.turn not in concluded:
            counters.update(dict.fromkeys(turn.windows, turn.booked))
    return counters
