"""What a turn has cost before its last attempt: model calls that were cut off are paid all the same."""

from __future__ import annotations

from collections.abc import Callable


class Spending:
    """Tokens of a turn's attempts that ended early, in this process. One per turn, whatever messages join it."""

    def __init__(self) -> None:
        self._attempts: list[int] = []

    @property
    def total(self) -> int:
        """Tokens, input and output together."""
        return sum(self._attempts)

    def cut_off(self, estimate: int) -> Callable[[int], None]:
        """One more attempt ended early. Returns what takes the worker's own count, when it still comes."""
        number = len(self._attempts)
        self._attempts.append(estimate)

        def counted(tokens: int) -> None:
            self._attempts[number] = tokens

        return counted
