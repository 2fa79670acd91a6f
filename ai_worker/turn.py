"""One turn, told from top to bottom: remember, recall, think, act, think, answer (steps 10 and 13 of SPEC 4)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, field, replace
from traceback import extract_tb
from typing import Final, Protocol
from uuid import UUID

from ai_worker import transcript
from ai_worker.genai import FAILED_AS, of_agent
from ai_worker.memory.learn import told_of_oneself
from ai_worker.memory.remember import fact_in
from ai_worker.model.answers import Checked, check
from ai_worker.model.bill import Bill
from ai_worker.model.offline import Closeness
from ai_worker.model.port import ChatModel, Delta, ModelFailed
from ai_worker.model.prompt import fit, taint_of
from ai_worker.tools.act import Hands
from ai_worker.tools.port import AsksHub, NoServers, Servers, Tool
from ai_worker.words import (
    LEARNS,
    Acted,
    Held,
    Kind,
    Limits,
    ModelChoice,
    Passage,
    Prompt,
    Rejected,
    Remembered,
    Task,
    ToolCall,
    ToolOffer,
    Turn,
)
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Answered, Citation, Failed
from aiox.kernel.tools import MAX_CALLS
from aiox.runtime.clock import Clock
from aiox.runtime.crash import CrashPoint, Hook, no_hook
from aiox.runtime.logs import Log
from aiox.runtime.steps import Step
from aiox.runtime.telemetry import Telemetry

Say = Callable[[str], None]
"""Takes a piece of the answer as it comes; never waits, may drop it."""
Choose = Callable[[Sequence[ModelChoice], Closeness, float, Bill], ChatModel]
"""The models of a turn in the agent's order; all their tries end by a moment in monotonic seconds and are billed."""

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry: no door could deliver it."""
MAX_SUMMARY_CHARACTERS: Final = 2000
"""A summary is cut here, whatever a model says."""


class Recalls(Protocol):
    """Long-term memory, read."""

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        """What comes near to the question, nearest first."""
        ...

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        """Cosine of each text to the question, -1 to 1."""
        ...

    async def summary(self, owner: UUID, agent: UUID, subject: str) -> Passage | None:
        """What was said before, in short; None when nothing was summed up."""
        ...


class Opens(Protocol):
    """Documents, read from their beginning."""

    async def passages(self, owner: UUID, agent: UUID, subject: str, documents: Sequence[UUID]) -> tuple[Passage, ...]:
        """The first passages of these documents."""
        ...


class Keeps(Protocol):
    """Long-term memory, written."""

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        """Stores what `subject` asked to remember; again is a no-op."""
        ...

    async def learnt(self, owner: UUID, agent: UUID, subject: str, fact: str) -> bool:
        """Stores what `subject` said of themselves unasked; false when it was known."""
        ...


@dataclass(frozen=True, slots=True)
class Mind:
    """What a turn thinks with. Nothing in it outlives the turn of one owner."""

    recall: Recalls
    store: Keeps
    choose: Choose
    telemetry: Telemetry
    clock: Clock
    log: Log
    worker_id: str
    tools: Mapping[str, Tool] = field(default_factory=dict)
    """The code of the hub's tools, by name."""
    crash: Hook = no_hook
    """Called at every durable step; does nothing but in tests."""
    servers: Callable[[], AbstractAsyncContextManager[Servers]] = lambda: nullcontext(NoServers())
    """The MCP servers of one turn."""
    openings: Opens | None = None
    """Reads how documents begin."""


@dataclass(slots=True)
class Spent:
    """What a turn has used so far; read when it ends early."""

    bill: Bill = field(default_factory=Bill)
    pieces: list[str] = field(default_factory=list)
    """Of the round that runs."""
    model_s: float = 0.0


async def think(turn: Turn, mind: Mind, spent: Spent, say: Say, hub: AsksHub) -> Answered | Failed:
    """Thinks about one message within the turn's time. A failure is a value; only cancelling raises."""
    started = mind.clock.monotonic()
    ids = {"aiox.turn_id": str(turn.request_id), "aiox.correlation_id": turn.correlation_id}
    attributes = {**ids, **of_agent(turn.agent)}
    with mind.telemetry.span(Step.THOUGHT, turn.traceparent, attributes) as span:
        try:
            async with asyncio.timeout(turn.timeout_s):
                if turn.prompt.task is Task.SUMMARY:
                    return await _sum_up(turn, mind, spent, started)
                return await _answer(turn, mind, spent, say, hub, started)
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
        span.set_attribute(FAILED_AS, str(code))
        took = _ms(mind.clock.monotonic() - started)
        bill = spent.bill
        return Failed(code, reason, bill.usage, mind.worker_id, took, bill.model, bill.cost_nanousd)


async def _answer(turn: Turn, mind: Mind, spent: Spent, say: Say, hub: AsksHub, started: float) -> Answered:
    remembered, learnt = await _remember(turn, mind)
    # What was said just now is no memory yet.
    passages = tuple(one for one in await _recall(turn, mind) if one.content not in learnt)
    model = mind.choose(turn.choices, mind.recall.closeness, started + turn.timeout_s, spent.bill)
    prompt = replace(turn.prompt, remembered=remembered, learnt=learnt, passages=passages)
    offers = {tool.name: tool for tool in prompt.tools}
    async with mind.servers() as servers:
        hands = Hands(
            offers, mind.tools, hub, mind.clock, mind.crash, prompt.message, servers=servers, part=mind.telemetry.part
        )
        if turn.held is not None:
            prompt = await _go_on(prompt, turn.held, hands)
        prompt, text = await _think_on(turn, prompt, model, hands, mind, spent, say)
    if told := _announced(turn, prompt, learnt):
        say(told)
    answered = _answered(text + told, prompt, model, mind, spent, started)
    return replace(answered, citations=_citations(prompt.passages), tools_called=hands.done)


async def _sum_up(turn: Turn, mind: Mind, spent: Spent, started: float) -> Answered:
    """A summary of the history and of the summary before it; nothing is searched, stored, shown or called."""
    before = await mind.recall.summary(turn.owner, turn.agent, turn.subject)
    prompt = replace(turn.prompt, message=before.content if before else "", passages=(before,) if before else ())
    model = mind.choose(turn.choices, mind.recall.closeness, started + turn.timeout_s, spent.bill)
    prompt, limits = fit(prompt, turn.limits, model.input_tokens)
    text, _ = await _ask(model, prompt, limits, mind, spent, _keep_quiet)
    return _answered(text[:MAX_SUMMARY_CHARACTERS], prompt, model, mind, spent, started)


def _answered(text: str, prompt: Prompt, model: ChatModel, mind: Mind, spent: Spent, started: float) -> Answered:
    return Answered(
        text=text,
        usage=spent.bill.usage,
        citations=(),
        tools_called=(),
        recalled=tuple(passage.memory_id for passage in prompt.passages),
        model=model.name,
        worker_id=mind.worker_id,
        worker_ms=_ms(mind.clock.monotonic() - started),
        model_ms=_ms(spent.model_s),
        cost_nanousd=spent.bill.cost_nanousd,
    )


async def _think_on(
    turn: Turn, prompt: Prompt, model: ChatModel, hands: Hands, mind: Mind, spent: Spent, say: Say
) -> tuple[Prompt, str]:
    """Round after round, until the model has answered. An answer whose form is promised is shown when it has it."""
    whole = prompt.answer_schema is not None
    while True:
        used = spent.bill.usage.total + hands.paid
        left = replace(turn.limits, max_total_tokens=turn.limits.max_total_tokens - used)
        prompt, limits = fit(prompt, left, model.input_tokens)
        text, calls = await _ask(model, prompt, limits, mind, spent, _keep_quiet if whole else say)
        if calls:
            prompt = await _act(prompt, text, calls, hands)
            continue
        checked = await _checked(prompt, text)
        if not checked.wrong:
            if whole:
                say(checked.text)
            return prompt, checked.text
        if prompt.rejected:
            raise ModelFailed(ErrorCode.ANSWER_INVALID, SENTENCES[ErrorCode.ANSWER_INVALID])
        prompt = replace(prompt, rejected=(Rejected(text, checked.wrong),), tools=())


async def _checked(prompt: Prompt, text: str) -> Checked:
    if prompt.answer_schema is None:
        return Checked(text, "")
    return await asyncio.to_thread(check, text, prompt.answer_schema)


def _keep_quiet(_text: str) -> None:
    """A piece of what may yet be taken back."""


async def _act(prompt: Prompt, said: str, calls: tuple[ToolCall, ...], hands: Hands) -> Prompt:
    """In the order of the calls; those side by side that change nothing run together.

    Who calls on and on, or nothing that exists, is offered no tools any more.
    """
    shown: list[str] = []
    taint = taint_of(prompt)
    for together in _together(calls, hands.offers):
        shown.extend(await asyncio.gather(*(hands.act(call, taint) for call in together)))
    return _has_acted(prompt, (*prompt.acted, Acted(said, calls, tuple(shown))), hands)


async def _go_on(prompt: Prompt, held: Held, hands: Hands) -> Prompt:
    """The approved call, behind all that the turn had done before it was held."""
    shown = await hands.act(held.call, taint_of(replace(prompt, acted=held.acted)))
    return _has_acted(prompt, held.with_result(shown), hands)


def _has_acted(prompt: Prompt, acted: tuple[Acted, ...], hands: Hands) -> Prompt:
    """With what was done; what waits is handed over with it."""
    for index, call in hands.held:
        hands.hub.held(index, transcript.written(acted, acted[-1].calls.index(call)))
    hands.held.clear()
    enough = hands.asked >= MAX_CALLS or len(acted) > MAX_CALLS
    return replace(prompt, acted=acted, tools=() if enough else prompt.tools)


def _together(calls: Sequence[ToolCall], offers: Mapping[str, ToolOffer]) -> list[list[ToolCall]]:
    """Neighbours whose tools are all read-only are one group; every other call stands alone."""
    groups: list[list[ToolCall]] = []
    reading = False
    for call in calls:
        reads = call.name in offers and offers[call.name].read_only
        if reads and reading:
            groups[-1].append(call)
        else:
            groups.append([call])
        reading = reads
    return groups


async def _remember(turn: Turn, mind: Mind) -> tuple[Remembered | None, tuple[str, ...]]:
    """Step 13, before the answer, so that its confirmation is true. Only what was asked for is stored, and, by an agent
    that may learn, what people say of themselves: that comes back as the second.
    """
    fact = fact_in(turn.prompt.message)
    may = turn.long_term and not turn.memory_full and bool(turn.subject)
    attributes: dict[str, str | int] = {
        "aiox.turn_id": str(turn.request_id),
        "aiox.correlation_id": turn.correlation_id,
        "stored": int(bool(fact and may)),
    }
    with mind.telemetry.span(Step.LONG_TERM, turn.traceparent, attributes):
        if fact and may:
            mind.crash(CrashPoint.BEFORE_FACT, turn.prompt.message)
            await mind.store.fact(turn.owner, turn.agent, turn.subject, fact)
            mind.crash(CrashPoint.AFTER_FACT, turn.prompt.message)
        told = told_of_oneself(turn.prompt.message) if may and not fact and _may_learn(turn) else ()
        known = [await mind.store.learnt(turn.owner, turn.agent, turn.subject, one) for one in told]
    learnt = tuple(one for one, new in zip(told, known, strict=True) if new)
    return Remembered(fact, may) if fact else None, learnt


def _may_learn(turn: Turn) -> bool:
    """An answer that has to fit a form has no room to say what was learnt; so nothing is."""
    return turn.learns and turn.prompt.answer_schema is None


def _announced(turn: Turn, prompt: Prompt, learnt: tuple[str, ...]) -> str:
    """What an agent that learns says below its answer: at the beginning of a conversation, and what it has learnt."""
    begins = not prompt.history and not any(passage.kind is Kind.SUMMARY for passage in prompt.passages)
    if not _may_learn(turn) or not (learnt or (begins and turn.long_term)):
        return ""
    noted = "".join(f"I keep in mind: “{one}”\n" for one in learnt)
    return f"\n\n{noted}{LEARNS}"


async def _recall(turn: Turn, mind: Mind) -> tuple[Passage, ...]:
    """How the files of this message begin, then what comes near to it."""
    opened: tuple[Passage, ...] = ()
    if turn.attached and mind.openings is not None:
        opened = await mind.openings.passages(turn.owner, turn.agent, turn.subject, turn.attached)
    known = {one.memory_id for one in opened}
    return (*opened, *(one for one in await _near(turn, mind) if one.memory_id not in known))


async def _near(turn: Turn, mind: Mind) -> tuple[Passage, ...]:
    if not turn.long_term or turn.memory_empty:
        return ()
    return await mind.recall.passages(turn.owner, turn.agent, turn.subject, turn.prompt.message)


async def _ask(
    model: ChatModel, prompt: Prompt, limits: Limits, mind: Mind, spent: Spent, say: Say
) -> tuple[str, tuple[ToolCall, ...]]:
    """One round of the model: what it says, and what it calls."""
    spent.pieces = []
    asked = mind.clock.monotonic()
    try:
        async with aclosing(model.complete(prompt, limits)) as answer:
            calls = await _listen(answer, spent, say)
    finally:
        spent.model_s += mind.clock.monotonic() - asked
    text = "".join(spent.pieces).strip()
    if not text and not calls:
        raise ModelFailed(ErrorCode.EMPTY_ANSWER, SENTENCES[ErrorCode.EMPTY_ANSWER])
    if calls and not prompt.tools:
        # Offered nothing, it calls all the same: what it said stands, and nothing is run.
        if not text:
            raise ModelFailed(ErrorCode.EMPTY_ANSWER, SENTENCES[ErrorCode.EMPTY_ANSWER])
        return text, ()
    return text, calls


async def _listen(answer: AsyncGenerator[Delta, None], spent: Spent, say: Say) -> tuple[ToolCall, ...]:
    calls: tuple[ToolCall, ...] = ()
    async for delta in answer:
        calls = delta.calls or calls
        legal = _ILLEGAL.sub("", delta.text)
        if legal:
            spent.pieces.append(legal)
            say(legal)
    return calls


def _citations(passages: tuple[Passage, ...]) -> tuple[Citation, ...]:
    """What an answer rests on and can be looked up; the summary is the conversation itself."""
    return tuple(
        Citation(passage.memory_id, passage.document_id, passage.title, passage.section, passage.distance)
        for passage in passages
        if passage.kind is not Kind.SUMMARY
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
