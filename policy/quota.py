"""Quota maths (SPEC 6): what a turn may reserve, and what a refusal says.

Reserved are the counted input plus min(max_tokens, what the tightest window has left): the call is capped to it. A turn
is refused only when its input alone does not fit. `registry/quotas` does the same sum atomically inside Redis; one
contract test runs on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
class Reservation:
    """Tokens set aside for one turn, input and output together."""

    tokens: int
    input_tokens: int

    @property
    def output_tokens(self) -> int:
        """The most that the model may write."""
        return self.tokens - self.input_tokens


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The window that has no room for the input, and when it resets."""

    window: str
    limit: int
    resets_in_s: int


def reserve(input_tokens: int, max_tokens: int, windows: Sequence[Window]) -> Reservation | Exceeded:
    """What to set aside. No window at all means no budget: refused."""
    if not windows:
        return Exceeded("none", 0, 0)
    tightest = min(windows, key=lambda window: window.left)
    if tightest.left <= input_tokens:
        return Exceeded(tightest.name, tightest.limit, tightest.resets_in_s)
    return Reservation(input_tokens + min(max_tokens, tightest.left - input_tokens), input_tokens)


def refusal(exceeded: Exceeded) -> str:
    """The sentence for a person: which limit, and when it resets."""
    wait = f"{exceeded.resets_in_s} s" if exceeded.resets_in_s < 120 else f"{-(-exceeded.resets_in_s // 60)} min"
    return f"The limit of {exceeded.limit} tokens ({exceeded.window}) is used up. It resets in {wait}."
