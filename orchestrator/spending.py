"""What a turn has cost before its last attempt: model calls that were cut off are paid all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Paid:
    """Tokens that other agents took of a turn that asked them."""

    tokens: int = 0
    own: int = 0
    """Those of agents of the same owner: counted with their own executions, not with the asking turn's again."""


NOTHING_PAID: Final = Paid()


class Spending:
    """Tokens of a turn's attempts that ended early, in this process. One per turn, whatever messages join it."""

    def __init__(self) -> None:
        self._attempts: list[int] = []
        self._estimates = 0
        self._counted = asyncio.Event()
        self._counted.set()
        self.paid = NOTHING_PAID

    def pay(self, tokens: int, *, same_owner: bool) -> None:
        """Another agent was asked in this turn and has used so many."""
        self.paid = Paid(self.paid.tokens + tokens, self.paid.own + (tokens if same_owner else 0))

    @property
    def total(self) -> int:
        """Tokens, input and output together."""
        return sum(self._attempts)

    def cut_off(self, estimate: int) -> Callable[[int], None]:
        """One more attempt ended early. Returns what takes the worker's own count, when it still comes."""
        number = len(self._attempts)
        self._attempts.append(estimate)
        self._estimates += 1
        self._counted.clear()

        def counted(tokens: int) -> None:
            self._attempts[number] = tokens
            self._estimates -= 1
            if not self._estimates:
                self._counted.set()

        return counted

    async def until_counted(self, seconds: float) -> None:
        """Waits until the workers have counted every attempt themselves, so long at most; then the estimates stand."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._counted.wait()
