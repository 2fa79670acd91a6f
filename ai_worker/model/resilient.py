"""What stands around a model: a breaker, tries in time, and the next model of the agent's list.

Each is a ChatModel around another, so that they stack: Fallbacks(Retrying(Guarded(model)), ...). Once a piece of an
answer was given out, nothing is tried again: it cannot be taken back.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from ai_worker.model.breaker import Breaker, BreakerState
from ai_worker.model.port import ChatModel, Delta, ModelFailed, Sleep
from ai_worker.words import Limits, Prompt
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.runtime.clock import Clock

WAITS_S: Final = (1.0, 2.0, 4.0)
"""Before the second, third and fourth try (SPEC 7)."""
_BREAKS: Final = frozenset({ErrorCode.PROVIDER_ERROR, ErrorCode.TIMEOUT})
"""What speaks of the provider, not of this key, this question or this minute."""
_FINAL: Final = frozenset({ErrorCode.QUOTA_EXCEEDED, ErrorCode.PROVIDER_NOT_ALLOWED})
"""What no other model mends."""

Tell = Callable[[BreakerState], None]
"""Hears how a breaker stands."""


class Guarded:
    """Leaves a model alone while its breaker is open."""

    def __init__(self, model: ChatModel, breaker: Breaker, clock: Clock, tell: Tell) -> None:
        self._model = model
        self._breaker = breaker
        self._clock = clock
        self._tell = tell

    @property
    def name(self) -> str:
        """Of the model."""
        return self._model.name

    def input_tokens(self, prompt: Prompt) -> int:
        """By the model."""
        return self._model.input_tokens(prompt)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The model's answer. Raises ModelFailed(PROVIDER_ERROR) at once while the breaker is open."""
        if not self._breaker.admits(self._clock.monotonic()):
            seconds = round(self._breaker.opens_in_s(self._clock.monotonic()))
            reason = f"The model's provider failed several times in a row and is left alone for {seconds} s."
            raise ModelFailed(ErrorCode.PROVIDER_ERROR, reason)
        self._tell(self._breaker.state(self._clock.monotonic()))
        try:
            async with aclosing(self._model.complete(prompt, limits)) as answer:
                async for delta in answer:
                    yield delta
        except ModelFailed as failed:
            self._note(failed.code)
            raise
        except BaseException:
            self._breaker.gave_up()
            raise
        else:
            self._breaker.succeeded()
        finally:
            self._tell(self._breaker.state(self._clock.monotonic()))

    def _note(self, code: ErrorCode) -> None:
        if code in _BREAKS:
            self._breaker.failed(self._clock.monotonic())
        elif code is ErrorCode.EMPTY_ANSWER:
            self._breaker.succeeded()
        else:
            self._breaker.gave_up()


class Retrying:
    """Asks again after a failure that passes, as long as the waiting ends before `deadline` (monotonic seconds)."""

    def __init__(self, model: ChatModel, deadline: float, clock: Clock, sleep: Sleep) -> None:
        self._model = model
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
        """The first try's answer that begins. Raises the last try's ModelFailed."""
        for pause_s in (*WAITS_S, None):
            begun = False
            try:
                async with aclosing(self._model.complete(prompt, self._within(limits))) as answer:
                    async for delta in answer:
                        begun = True
                        yield delta
            except ModelFailed as failed:
                wait_s = failed.wait_s or pause_s or 0.0
                in_time = self._clock.monotonic() + wait_s < self._deadline
                if begun or not failed.passing or pause_s is None or not in_time:
                    raise
            else:
                return
            await self._sleep(wait_s)

    def _within(self, limits: Limits) -> Limits:
        left_s = self._deadline - self._clock.monotonic()
        if left_s <= 0:
            raise ModelFailed(ErrorCode.TIMEOUT, SENTENCES[ErrorCode.TIMEOUT])
        return replace(limits, timeout_s=min(limits.timeout_s, left_s))


class Fallbacks:
    """The agent's models in order: the next one is asked when one gives no answer at all."""

    def __init__(self, models: Sequence[ChatModel]) -> None:
        """`models` has at least one."""
        self._models = models
        self._asked = models[0]

    @property
    def name(self) -> str:
        """Of the model that was asked last."""
        return self._asked.name

    def input_tokens(self, prompt: Prompt) -> int:
        """By the model that counts highest, so that the prompt fits whichever answers."""
        return max(model.input_tokens(prompt) for model in self._models)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The first answer that begins. Raises the last model's ModelFailed."""
        for model in self._models:
            self._asked, begun = model, False
            try:
                async with aclosing(model.complete(prompt, limits)) as answer:
                    async for delta in answer:
                        begun = True
                        yield delta
            except ModelFailed as failed:
                if begun or failed.code in _FINAL or model is self._models[-1]:
                    raise
            else:
                return
