"""Time as a parameter. Pure rooms get instants as arguments; effects get a Clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Wall clock, UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall clock, UTC, aware."""
        return datetime.now(UTC)  # noqa: TID251 -- the one place that may ask

    def monotonic(self) -> float:
        """Seconds since boot."""
        return time.monotonic()
