"""A breaker: a provider that failed again and again is left alone for a while (SPEC 7). Pure: time is an argument."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

FAILURES: Final = 5
"""In a row, until it opens."""
OPEN_S: Final = 30.0
"""Until one question may try again."""


class BreakerState(IntEnum):
    """As the metric llm_circuit_breaker_state shows it."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Of one endpoint and model. `now` is monotonic seconds.

    Who was let through by `admits` says how it ended, once: `succeeded`, `failed`, or `gave_up` when neither is known.
    """

    def __init__(self, failures: int = FAILURES, open_s: float = OPEN_S) -> None:
        self._most = failures
        self._open_s = open_s
        self._failures = 0
        self._opened_at: float | None = None
        self._probing = False

    def state(self, now: float) -> BreakerState:
        """Half open once the time is over, until a question has shown how the provider is."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if now - self._opened_at >= self._open_s else BreakerState.OPEN

    def admits(self, now: float) -> bool:
        """Whether a question may be asked. Half open, one at a time."""
        state = self.state(now)
        if state is BreakerState.CLOSED:
            return True
        if state is BreakerState.OPEN or self._probing:
            return False
        self._probing = True
        return True

    def opens_in_s(self, now: float) -> float:
        """Seconds until a question may try again; 0 when one may now."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._open_s - now)

    def succeeded(self) -> None:
        """The provider answered: all is well."""
        self._failures, self._opened_at, self._probing = 0, None, False

    def failed(self, now: float) -> None:
        """The provider broke or was late. A probe that fails opens it for the whole time again."""
        self._failures += 1
        if self._probing or (self._opened_at is None and self._failures >= self._most):
            self._opened_at = now
        self._probing = False

    def gave_up(self) -> None:
        """The question was withdrawn before anything was known."""
        self._probing = False
