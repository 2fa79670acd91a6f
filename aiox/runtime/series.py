"""Which ids a metric may still name: beyond a budget of time series they are counted together, as `other` (SPEC 13)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

BUDGET: Final = 5000
"""Time series of one metric in one process, where no setting says otherwise (`telemetry.series`)."""
OTHER: Final = "other"


class Series:
    """The ids that one metric has named. `each` is how many time series one set of labels costs: 1, or the buckets of a
    histogram and two. Who came first keeps their name until the process ends.
    """

    def __init__(self, most: int = BUDGET, each: int = 1) -> None:
        self._room = max(0, most // each)
        self._known: set[Hashable] = set()

    def fold(self, *ids: str, beside: str = "") -> tuple[str, ...]:
        """The ids as they are, or `other` in the place of each. `beside` is a label of few values that stays."""
        key = ids, beside
        if key in self._known:
            return ids
        if len(self._known) >= self._room:
            return (OTHER,) * len(ids)
        self._known.add(key)
        return ids
