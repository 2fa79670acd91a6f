"""How often one credential may ask one model: a bucket of requests and one of tokens, refilled evenly (SPEC 7).

What a turn has to wait for it waits for, as long as that ends within the turn's time; else it is RATE_LIMIT at once,
and the next model of the agent's list may answer. A provider's own 429 with Retry-After holds back all who use the
same credential. Counted in each worker process for itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from ai_worker.model.port import ChatModel, Delta, ModelFailed, Sleep
from ai_worker.model.terms import PerMinute
from ai_worker.words import Limits, Prompt
from aiox.kernel.errors import ErrorCode
from aiox.runtime.clock import Clock

MINUTE_S: Final = 60.0


class Bucket:
    """Holds `per_minute` at most and is refilled evenly. It may be owed: then there is a wait. Pure."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._most = float(per_minute)
        self._left = self._most
        self._at = now

    def take(self, amount: float, now: float) -> float:
        """Takes it, and says in how many seconds it is there."""
        self._refill(now)
        self._left -= amount
        return max(0.0, -self._left * MINUTE_S / self._most)

    def give_back(self, amount: float) -> None:
        """What was taken and not used; below zero, what was used and not taken."""
        self._left = min(self._most, self._left + amount)

    def _refill(self, now: float) -> None:
        self._left = min(self._most, self._left + (now - self._at) * self._most / MINUTE_S)
        self._at = now


class Pace:
    """Of one credential and model, for all turns that use it. `now` is monotonic seconds."""

    def __init__(self, limits: PerMinute, now: float) -> None:
        self._requests = Bucket(limits.requests, now) if limits.requests else None
        self._tokens = Bucket(limits.tokens, now) if limits.tokens else None
        self._quiet_until = now

    def take(self, tokens: int, now: float) -> float:
        """A request of so many tokens is wanted; how many seconds it must wait."""
        waits = [self._quiet_until - now]
        if self._requests is not None:
            waits.append(self._requests.take(1, now))
        if self._tokens is not None:
            waits.append(self._tokens.take(tokens, now))
        return max(0.0, *waits)

    def give_back(self, requests: int, tokens: int) -> None:
        """A request that was not made, or tokens that were taken and not used."""
        if self._requests is not None:
            self._requests.give_back(requests)
        if self._tokens is not None:
            self._tokens.give_back(tokens)

    def quiet(self, until: float) -> None:
        """The provider wants to be left alone until then."""
        self._quiet_until = max(self._quiet_until, until)


class Paced:
    """A model that is asked no faster than its credential allows. Waiting ends by `deadline` (monotonic seconds)."""

    def __init__(self, model: ChatModel, pace: Pace, deadline: float, clock: Clock, sleep: Sleep) -> None:
        self._model = model
        self._pace = pace
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep

    @property
    def name(self) -> str:
        """Of the model."""
        return self._model.name

    def input_tokens(self, prompt: Prompt) -> int:
        """By the model."""
        return self._model.input_tokens(prompt)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The model's answer, when it is its turn. Raises ModelFailed(RATE_LIMIT) when that would be too late."""
        taken = self.input_tokens(prompt) + limits.max_output_tokens
        await self._wait(taken)
        used = taken
        try:
            async with aclosing(self._model.complete(prompt, limits)) as answer:
                async for delta in answer:
                    used = delta.usage.total if delta.usage else used
                    yield delta
        except ModelFailed as failed:
            if failed.code is ErrorCode.RATE_LIMIT and failed.wait_s:
                self._pace.quiet(self._clock.monotonic() + failed.wait_s)
            raise
        finally:
            self._pace.give_back(0, taken - used)

    async def _wait(self, tokens: int) -> None:
        now = self._clock.monotonic()
        wait_s = self._pace.take(tokens, now)
        if not wait_s:
            return
        if now + wait_s >= self._deadline:
            self._pace.give_back(1, tokens)
            reason = f"The pace that is set for this model allows the next question in {round(wait_s)} s."
            raise ModelFailed(ErrorCode.RATE_LIMIT, reason)
        try:
            await self._sleep(wait_s)
        except BaseException:
            self._pace.give_back(1, tokens)
            raise
