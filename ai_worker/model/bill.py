"""What the model calls of one turn have used and cost: every try counts, also one that was cut off or failed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from ai_worker.genai import FAILED_AS, of_chat, of_usage
from ai_worker.model.metrics import ModelMetrics
from ai_worker.model.port import ChatModel, Delta, ModelFailed
from ai_worker.model.terms import Price
from ai_worker.words import Limits, Prompt
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Usage
from aiox.runtime.clock import Clock
from aiox.runtime.telemetry import Part, no_part, trace_id_in

_BYTES_PER_TOKEN: Final = 3
"""As aiox.kernel.units.estimate_tokens counts."""
_PAID: Final = frozenset({ErrorCode.TIMEOUT, ErrorCode.EMPTY_ANSWER})
"""Failures after which the provider may have read the whole input. Any other before the first piece costs nothing."""


@dataclass(slots=True)
class Try:
    """One call of one model, as it is used up. `input_tokens` is estimated until the provider has counted."""

    provider: str
    model: str
    price: Price | None
    input_tokens: int
    said_bytes: int = 0
    counted: Usage | None = None
    refused: bool = False

    @property
    def usage(self) -> Usage:
        """The provider's own count, else an estimate of what went in and what came out."""
        if self.counted is not None:
            return self.counted
        if self.refused:
            return Usage(0, 0)
        return Usage(self.input_tokens, -(-self.said_bytes // _BYTES_PER_TOKEN))

    @property
    def cost_nanousd(self) -> int | None:
        """Billionths of a US dollar; None: unknown."""
        usage = self.usage
        if not usage.total:
            return 0
        return None if self.price is None else self.price.nanousd(usage)

    def heard(self, delta: Delta) -> None:
        """Takes a piece into account."""
        self.said_bytes += len(delta.text.encode(errors="replace"))
        self.counted = delta.usage or self.counted

    def failed(self, failed: ModelFailed) -> None:
        """It ended early: a refusal before the first piece costs nothing."""
        self.counted = failed.usage or self.counted
        self.refused = not self.said_bytes and failed.code not in _PAID


@dataclass(slots=True)
class Bill:
    """All tries of one turn, in order; read when the turn ends, however it ends."""

    tries: list[Try] = field(default_factory=list)

    @property
    def usage(self) -> Usage:
        """Tokens of all tries."""
        each = [one.usage for one in self.tries]
        return Usage(sum(one.input_tokens for one in each), sum(one.output_tokens for one in each))

    @property
    def cost_nanousd(self) -> int | None:
        """Billionths of a US dollar; None as soon as the cost of one try is unknown."""
        costs = [one.cost_nanousd for one in self.tries]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    @property
    def model(self) -> str:
        """What was asked last; empty when nothing was."""
        return self.tries[-1].model if self.tries else ""


class Billed:
    """A model whose calls are put on a turn's bill, into the figures of the process and into the turn's trace."""

    def __init__(
        self,
        model: ChatModel,
        provider: str,
        price: Price | None,
        bill: Bill,
        metrics: ModelMetrics,
        clock: Clock,
        part: Part = no_part,
    ) -> None:
        self._model = model
        self._provider = provider
        self._price = price
        self._bill = bill
        self._metrics = metrics
        self._clock = clock
        self._part = part

    @property
    def name(self) -> str:
        """Of the model."""
        return self._model.name

    def input_tokens(self, prompt: Prompt) -> int:
        """By the model."""
        return self._model.input_tokens(prompt)

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        """The model's answer. Raises what the model raises."""
        this = Try(self._provider, self.name, self._price, self.input_tokens(prompt))
        self._bill.tries.append(this)
        began, outcome = self._clock.monotonic(), "cancelled"
        span = self._part(f"chat {self.name}", of_chat(self._provider, self.name, limits))
        try:
            async with aclosing(self._model.complete(prompt, limits)) as answer:
                async for delta in answer:
                    this.heard(delta)
                    yield delta
            outcome = "answered"
        except ModelFailed as failed:
            this.failed(failed)
            outcome = str(failed.code)
            raise
        finally:
            seconds = self._clock.monotonic() - began
            span.set_attributes(of_usage(this.usage))
            if outcome != "answered":
                span.set_attribute(FAILED_AS, outcome)
            span.end()
            used = this.usage, this.cost_nanousd
            self._metrics.called(self._provider, self.name, outcome, seconds, *used, trace_id=trace_id_in(span))
