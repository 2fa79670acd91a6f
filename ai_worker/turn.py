"""One turn, told from top to bottom: remember, recall, prompt, model, answer (steps 10 and 13 of SPEC 4).

This worker asks for no tools yet: a turn's tool offers are left alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from traceback import extract_tb
from typing import Final, Protocol
from uuid import UUID

from ai_worker.memory.remember import fact_in
from ai_worker.model.offline import Closeness
from ai_worker.model.port import ChatModel, Delta, ModelFailed
from ai_worker.model.prompt import fit
from ai_worker.words import Limits, ModelChoice, Passage, Prompt, Remembered, Turn
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Answered, Citation, Failed, Usage
from aiox.kernel.units import estimate_tokens
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.steps import Step
from aiox.runtime.telemetry import Telemetry

Say = Callable[[str], None]
"""Takes a piece of the answer as it comes; never waits, may drop it."""

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry: no door could deliver it."""


class Recalls(Protocol):
    """Long-term memory, read."""

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        """What comes near to the question, nearest first."""
        ...

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        """Cosine of each text to the question, -1 to 1."""
        ...


class Keeps(Protocol):
    """Long-term memory, written."""

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        """Stores what `subject` asked to remember; again is a no-op."""
        ...


@dataclass(frozen=True, slots=True)
class Mind:
    """What a turn thinks with. Nothing in it outlives the turn of one owner."""

    recall: Recalls
    store: Keeps
    choose: Callable[[ModelChoice, Closeness], ChatModel]
    embedding_model: str
    telemetry: Telemetry
    clock: Clock
    log: Log
    worker_id: str


@dataclass(slots=True)
class Spent:
    """What a turn has used so far; read when it ends early."""

    input_tokens: int = 0
    pieces: list[str] = field(default_factory=list)
    counted: Usage | None = None
    model_s: float = 0.0

    def usage(self) -> Usage:
        """The provider's count, else an estimate of what went in and came out."""
        return self.counted or Usage(self.input_tokens, estimate_tokens("".join(self.pieces)))


async def think(turn: Turn, mind: Mind, spent: Spent, say: Say) -> Answered | Failed:
    """Thinks about one message within the turn's time. A failure is a value; only cancelling raises."""
    started = mind.clock.monotonic()
    attributes = {"aiox.turn_id": str(turn.request_id), "aiox.correlation_id": turn.correlation_id}
    with mind.telemetry.span(Step.THOUGHT, turn.traceparent, attributes):
        try:
            async with asyncio.timeout(turn.timeout_s):
                return await _answer(turn, mind, spent, say, started)
        except ModelFailed as failed:
            code, reason = failed.code, failed.text
        except TimeoutError:
            code, reason = ErrorCode.TIMEOUT, SENTENCES[ErrorCode.TIMEOUT]
        except Exception as broken:  # noqa: BLE001 -- the one boundary: a broken turn is answered, never left open
            # The text of an exception may quote the message; type and place do not.
            place = extract_tb(broken.__traceback__)[-1]
            where = f"{place.filename}:{place.lineno}"
            error = type(broken).__name__
            mind.log.error("turn_broke", request_id=str(turn.request_id), error=error, where=where)
            code, reason = ErrorCode.INTERNAL, SENTENCES[ErrorCode.INTERNAL]
        return Failed(code, reason, _used(spent, code), mind.worker_id, _ms(mind.clock.monotonic() - started))


async def _answer(turn: Turn, mind: Mind, spent: Spent, say: Say, started: float) -> Answered:
    _check_embedding(turn, mind)
    remembered = await _remember(turn, mind)
    passages = await _recall(turn, mind)
    model = mind.choose(turn.choice, mind.recall.closeness)
    known = replace(turn.prompt, remembered=remembered, passages=passages)
    prompt, limits = fit(known, turn.limits, model.input_tokens)
    text = await _ask(model, prompt, limits, mind, spent, say)
    return Answered(
        text=text,
        usage=spent.usage(),
        citations=_citations(prompt.passages),
        tools_called=(),
        recalled=tuple(passage.memory_id for passage in prompt.passages),
        model=model.name,
        worker_id=mind.worker_id,
        worker_ms=_ms(mind.clock.monotonic() - started),
        model_ms=_ms(spent.model_s),
    )


def _check_embedding(turn: Turn, mind: Mind) -> None:
    if turn.long_term and turn.embedding_model not in {"", mind.embedding_model}:
        reason = f"This worker embeds with {mind.embedding_model} only."
        raise ModelFailed(ErrorCode.PROVIDER_NOT_ALLOWED, reason)


async def _remember(turn: Turn, mind: Mind) -> Remembered | None:
    """Step 13, before the answer, so that its confirmation is true. Only what was asked for is stored."""
    fact = fact_in(turn.prompt.message)
    may = turn.long_term and not turn.memory_full and bool(turn.subject)
    attributes: dict[str, str | int] = {
        "aiox.turn_id": str(turn.request_id),
        "aiox.correlation_id": turn.correlation_id,
        "stored": int(bool(fact and may)),
    }
    with mind.telemetry.span(Step.LONG_TERM, turn.traceparent, attributes):
        if fact and may:
            await mind.store.fact(turn.owner, turn.agent, turn.subject, fact)
    return Remembered(fact, may) if fact else None


async def _recall(turn: Turn, mind: Mind) -> tuple[Passage, ...]:
    if not turn.long_term:
        return ()
    return await mind.recall.passages(turn.owner, turn.agent, turn.subject, turn.prompt.message)


async def _ask(model: ChatModel, prompt: Prompt, limits: Limits, mind: Mind, spent: Spent, say: Say) -> str:
    spent.input_tokens = model.input_tokens(prompt)
    asked = mind.clock.monotonic()
    try:
        async with aclosing(model.complete(prompt, limits)) as answer:
            await _listen(answer, spent, say)
    finally:
        spent.model_s = mind.clock.monotonic() - asked
    text = "".join(spent.pieces).strip()
    if not text:
        raise ModelFailed(ErrorCode.EMPTY_ANSWER, SENTENCES[ErrorCode.EMPTY_ANSWER])
    return text


async def _listen(answer: AsyncGenerator[Delta, None], spent: Spent, say: Say) -> None:
    async for delta in answer:
        spent.counted = delta.usage or spent.counted
        legal = _ILLEGAL.sub("", delta.text)
        if legal:
            spent.pieces.append(legal)
            say(legal)


def _citations(passages: tuple[Passage, ...]) -> tuple[Citation, ...]:
    return tuple(
        Citation(passage.memory_id, passage.document_id, passage.title, passage.section, passage.distance)
        for passage in passages
    )


def _used(spent: Spent, code: ErrorCode) -> Usage:
    """A refusal before the first piece costs nothing; a timeout may have cost the whole input."""
    if spent.counted or spent.pieces or code in {ErrorCode.TIMEOUT, ErrorCode.EMPTY_ANSWER}:
        return spent.usage()
    return Usage(0, 0)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
