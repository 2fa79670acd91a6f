"""Nothing of one owner's turns is in another's on the same worker: not in prompts, answers, logs, or after errors.

Canaries are put into all that a turn of owner A touches. Then owner B asks the same questions, word for word, on one
mind: same HTTP session, same tools, same model endpoint, same process. Long: `make prove PART=thousand_canaries`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ai_worker.model.choose import Models
from ai_worker.model.openai_stream import open_session
from ai_worker.model.terms import Terms
from ai_worker.tools.port import Allowed, Ended, NotAllowed
from ai_worker.turn import Mind, Spent, think
from ai_worker.words import Exchange, Kind, Limits, ModelChoice, Passage, Prompt, ToolOffer, Turn
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import ModelTerms
from bench.stub_model import Scripted, StubModel, stub_model
from setup.prove import note
from tests.unit.ai_worker.minds import ANN, Log, mind

A, B = uuid4(), uuid4()
AGENT = uuid4()
"""Even the agent's id is the same: only the owner tells the turns apart."""
OFFER = ToolOffer("look", "Looks.", {"type": "object"}, read_only=True)
ANY: Any = None
PLACES = ("prompt", "history", "key", "answer", "provider", "tool", "exception", "store", "fact", "passage")
NEVER_SHOWN = {"provider", "exception", "store"}
"""What broke is told to nobody, not even to whose turn it was."""
SHORT, LONG = 5, 100


@dataclass
class Memories:
    """Long-term memory of two owners. `broken` stores nothing and says what it was given."""

    of: dict[UUID, tuple[Passage, ...]] = field(default_factory=dict)
    broken: bool = False

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        return self.of.get(owner, ())

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        return [0.5 for _ in texts]

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        if self.broken:
            raise OSError(f"the store choked on: {fact}")
        return uuid4()

    async def summary(self, owner: UUID, agent: UUID, subject: str) -> Passage | None:
        return next((one for one in self.of.get(owner, ()) if one.kind is Kind.SUMMARY), None)

    async def learnt(self, owner: UUID, agent: UUID, subject: str, fact: str) -> bool:
        return bool(await self.fact(owner, agent, subject, fact))


class CachesByQuestion(Memories):
    """The guard taken out: what was recalled for one owner is kept under the question alone."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, tuple[Passage, ...]] = {}

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        found = await super().passages(owner, agent, subject, question)
        return self.kept.setdefault(question, found)


@dataclass
class Look:
    """A tool that gives back what is there to see, or breaks with it."""

    sees: str = "nothing"
    breaks: bool = False
    name: str = "look"

    async def run(self, arguments: Mapping[str, Any], _given: Any) -> str:
        if self.breaks:
            raise ValueError(self.sees)
        return self.sees


class Yes:
    """A hub that allows everything."""

    async def ask(self, index: int, tool: str, arguments: bytes, taint: Sequence[str]) -> Allowed | NotAllowed:
        return Allowed()

    def told(self, index: int, ended: Ended) -> None:
        """Nobody keeps it."""

    def held(self, index: int, transcript: bytes) -> None:
        """Nothing is held."""


@dataclass
class Worker:
    """One worker's mind, and all that comes out of it."""

    mind: Mind
    memory: Memories
    tool: Look
    model: StubModel
    log: Log

    async def turn(self, owner: UUID, message: str, key: str, **prompt: Any) -> str:
        """One turn, and everything that it showed to anybody: prompts, key, pieces, outcome, log."""
        for kept in (self.model.asked, self.model.keys, self.log.lines):
            kept.clear()
        said: list[str] = []
        choice = ModelChoice("openai", "stub", self.model.url, key)
        asked = Prompt("Ada", prompt.pop("system", "Be kind."), message, tools=(OFFER,), **prompt)
        turn = Turn(uuid4(), owner, AGENT, ANN, asked, Limits(50_000), (choice,), timeout_s=30.0)
        outcome = await think(turn, self.mind, Spent(), said.append, Yes())
        return str((self.model.asked, self.model.keys, said, outcome, self.log.lines))

    async def plant(self, place: str, secret: str, question: str) -> str:
        """A turn of owner A that has the secret in one place, and what it showed."""
        if place == "prompt":
            return await self.turn(A, question, "key-of-a", system=f"Never say {secret}.")
        if place == "history":
            return await self.turn(A, question, "key-of-a", history=(Exchange("Hi", secret),))
        if place == "key":
            return await self.turn(A, question, secret)
        if place in {"answer", "provider"}:
            self.model.script(secret if place == "answer" else Scripted(secret, status=400))
        elif place in {"tool", "exception"}:
            self.tool.sees, self.tool.breaks = secret, place == "exception"
            self.model.script(Scripted("", calls=({"name": "look", "arguments": "{}"},)), "done")
        elif place == "store":
            self.memory.broken = True
            question = f"remember that my secret is {secret}"
        else:
            kind = Kind.FACT if place == "fact" else Kind.CHUNK
            self.memory.of[A] = (Passage(uuid4(), None, kind, "Guide", "", secret, 0.1),)
        shown = await self.turn(A, question, "key-of-a")
        self.tool.sees, self.tool.breaks, self.memory.broken = "nothing", False, False
        self.memory.of.clear()
        return shown


@asynccontextmanager
async def working(folder: Path, memory: Memories) -> AsyncIterator[Worker]:
    async with stub_model() as stub, open_session() as session:
        tool, log = Look(), Log()
        models = Models(session, SystemClock(), terms=Terms((ModelTerms(match="*", requests_per_minute=100_000),)))
        thinking = mind(folder, ANY, memory, choose=models.choose, tools={"look": tool}, log=log)  # type: ignore[arg-type]
        yield Worker(thinking, memory, tool, stub, log)


async def foreign(worker: Worker, each: int) -> tuple[int, list[str]]:
    """Plants `each` canaries in every place. How many, and in which places' turns of B one was seen."""
    seen = []
    for number in range(each):
        for place in PLACES:
            secret, question = f"canary-{place}-{number}-{uuid4().hex}", f"What about {place} {number}?"
            shown = await worker.plant(place, secret, question)
            assert (secret in shown) != (place in NEVER_SHOWN), f"{place}: it was not planted as it should be"
            if "canary-" in await worker.turn(B, question, "key-of-b"):
                seen.append(place)
    return each * len(PLACES), seen


async def test_no_canary_of_one_owner_is_seen_by_another(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with working(tmp_path, Memories()) as worker:
        planted, seen = await foreign(worker, SHORT)
    assert planted == SHORT * len(PLACES)
    assert seen == []
    assert "canary-" not in caplog.text


@pytest.mark.control
async def test_control_a_memory_that_is_cached_without_its_owner_is_seen(tmp_path: Path) -> None:
    async with working(tmp_path, CachesByQuestion()) as worker:
        _, seen = await foreign(worker, SHORT)
    assert sorted(seen) == sorted(["fact", "passage"] * SHORT)


@pytest.mark.prove
async def test_a_thousand_canaries(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with working(tmp_path, Memories()) as worker:
        planted, seen = await foreign(worker, LONG)
    note(f"{planted} canaries in owner A's turns, {len(seen)} seen in B's prompts, answers or log lines")
    assert planted >= 1000
    assert seen == []
    assert "canary-" not in caplog.text
