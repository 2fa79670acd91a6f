"""A mind for unit tests: memory in a list, a model that says what it was told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from ai_worker.model.bill import Bill, Billed
from ai_worker.model.metrics import ModelMetrics
from ai_worker.model.offline import Closeness
from ai_worker.model.port import ChatModel, Delta
from ai_worker.model.terms import Price
from ai_worker.tools.port import Allowed, Ended, NotAllowed
from ai_worker.turn import Mind
from ai_worker.words import Kind, Limits, ModelChoice, Passage, Prompt, ToolCall, Turn
from aiox.kernel.outcome import Usage
from aiox.runtime.clock import SystemClock
from aiox.runtime.telemetry import Telemetry

OWNER, AGENT = uuid4(), uuid4()
ANN = "ann@example.org"
COUNTED = Usage(7, 3)
PRICE = Price(1.0, 2.0)
PASSAGE = Passage(uuid4(), uuid4(), Kind.CHUNK, "Guide", "Start", "The hub starts with make up.", 0.2)


@dataclass
class Log:
    """Keeps what was logged."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def _write(self, event: str, **values: object) -> None:
        self.lines.append((event, values))

    info = warning = error = _write


@dataclass
class Memory:
    """What was asked of memory, and what it answers."""

    known: tuple[Passage, ...] = ()
    asked: list[tuple[UUID, UUID, str, str]] = field(default_factory=list)
    kept: list[tuple[UUID, UUID, str, str]] = field(default_factory=list)

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        self.asked.append((owner, agent, subject, question))
        return self.known

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.5 for _ in texts]

    async def summary(self, owner: UUID, agent: UUID, subject: str) -> Passage | None:
        self.asked.append((owner, agent, subject, ""))
        return next((one for one in self.known if one.kind is Kind.SUMMARY), None)

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        self.kept.append((owner, agent, subject, fact))
        return uuid4()

    async def learnt(self, owner: UUID, agent: UUID, subject: str, fact: str) -> bool:
        new = (owner, agent, subject, fact) not in self.kept
        self.kept.append((owner, agent, subject, fact))
        return new


@dataclass
class Model:
    """Says `pieces`, then raises `error` or waits for ever, as told. Before that come the rounds in `acts`.

    With `answers` it says those instead, one a round.
    """

    pieces: Sequence[str] = ("hello",)
    usage: Usage | None = COUNTED
    error: Exception | None = None
    hangs: bool = False
    prompts: list[Prompt] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "scripted"
    acts: list[tuple[ToolCall, ...]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def input_tokens(self, prompt: Prompt) -> int:
        return 5

    async def complete(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Delta, None]:
        self.prompts.append(prompt)
        try:
            if self.acts:
                yield Delta("", self.usage, self.acts.pop(0))
                return
            for piece in [self.answers.pop(0)] if self.answers else self.pieces:
                yield Delta(piece)
            if self.hangs:
                await asyncio.Event().wait()
            if self.error is not None:
                raise self.error
            yield Delta("", self.usage)
        finally:
            self.closed.set()


class Nobody:
    """A hub that is not to be asked."""

    async def ask(self, index: int, tool: str, arguments: bytes, taint: Sequence[str]) -> Allowed | NotAllowed:
        raise AssertionError(tool)

    def held(self, index: int, transcript: bytes) -> None:
        raise AssertionError(index, transcript)

    def told(self, index: int, ended: Ended) -> None:
        raise AssertionError(index)


NOBODY = Nobody()


def mind(folder: Path, model: Model, memory: Memory | None = None, **changed: Any) -> Mind:
    memory = memory or Memory()
    log: Any = Log()

    def choose(_choices: Sequence[ModelChoice], _closeness: Closeness, _deadline: float, bill: Bill) -> ChatModel:
        return Billed(model, "test", PRICE, bill, ModelMetrics(), SystemClock())

    made = Mind(memory, memory, choose, Telemetry("ai_worker", folder, 10), SystemClock(), log, "worker-1")
    return replace(made, **changed)


def turn(message: str = "Hi there", **changed: Any) -> Turn:
    made = Turn(uuid4(), OWNER, AGENT, ANN, Prompt("Ada", "", message), Limits(2000), (ModelChoice(),), timeout_s=5.0)
    return replace(made, **changed)
