"""Embeddings per second for 32 callers: the worker's embedder, which batches what comes together, beside one by one.

Questions of a dozen words, as turns ask them, and passages as documents are cut into; the same texts on all sides. The
first side is plain sentence-transformers, `encode` called for one text after the other, in an environment of its own
with as many threads as it likes; then the hub's graph one by one, and its embedder in both precisions, on one thread.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ai_worker.memory.minilm import MiniLM
from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL
from aiox.runtime.settings import load_settings
from bench.measure import Figure, Side
from bench.peers import python
from setup.minilm import source_folder

NAME: Final = "embeddings-batched"
_WORDS: Final = (
    *("pump", "valve", "boiler", "report", "invoice", "delivery", "meeting", "train", "station", "contract", "garden"),
    *("warranty", "coffee", "machine", "river", "engine", "window", "password", "account", "message", "agent"),
    *("policy", "quota", "memory", "schedule", "winter", "holiday", "museum", "bridge", "energy"),
)
PROGRAM: Final = Path(__file__).with_name("plain_sentence_transformers.py")
_LINE: Final = 64 << 20


def texts_of(count: int, words: int, seed: int = 7) -> list[str]:
    """So many different texts of so many words."""
    chance = random.Random(seed)
    return [f"{number} {' '.join(chance.choices(_WORDS, k=words))}?" for number in range(count)]


@dataclass(frozen=True, slots=True)
class Embedding:
    """One way to embed texts that `callers` ask for at the same time."""

    name: str
    embed: Callable[[str], Awaitable[Any]]
    callers: int
    questions: Sequence[str]
    passages: Sequence[str]

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        rates = [await self._rate(self.questions), await self._rate(self.passages)]
        return [
            Figure(what, "1/s", rate, higher_is_better=True)
            for what, rate in zip(("questions", "passages"), rates, strict=True)
        ]

    async def _rate(self, texts: Sequence[str]) -> float:
        waiting = iter(texts)

        async def caller() -> None:
            for text in waiting:
                await self.embed(text)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.callers):
                group.create_task(caller())
        return len(texts) / (time.perf_counter() - began)


@asynccontextmanager
async def sides(clients: int, _questions: int, seconds: float) -> AsyncIterator[Sequence[Side]]:
    """No stack. `seconds` sets the texts of a round: 32 questions and 8 passages for each."""
    questions, passages = texts_of(max(64, int(32 * seconds)), 12), texts_of(max(16, int(8 * seconds)), 90)
    given = (clients, questions, passages)
    folder = load_settings().minilm_folder
    whole, short = (MiniLM(folder, DEFAULT_EMBEDDING_MODEL, precision=one) for one in ("float32", "int8"))

    async def alone(text: str) -> object:
        return await asyncio.to_thread(whole.compute, [text])

    async with _plain(questions, passages) as plain, asyncio.TaskGroup() as group:
        running = [group.create_task(one.run()) for one in (whole, short)]
        yield [
            plain,
            Embedding("onnxruntime in float32, one by one", _in_turn(alone), *given),
            Embedding("worker's embedder in float32", _batched(whole), *given),
            Embedding("worker's embedder", _batched(short), *given),
        ]
        for one in running:
            one.cancel()


def _batched(minilm: MiniLM) -> Callable[[str], Awaitable[object]]:
    async def one(text: str) -> object:
        return await minilm.embed([text])

    return one


@dataclass(frozen=True, slots=True)
class PlainSentenceTransformers:
    """bench/plain_sentence_transformers.py, asked for the rounds' texts."""

    process: asyncio.subprocess.Process
    questions: Sequence[str]
    passages: Sequence[str]
    name: str = "sentence-transformers, one by one"

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        return [
            Figure(what, "1/s", len(texts) / await self.seconds(texts), higher_is_better=True)
            for what, texts in (("questions", self.questions), ("passages", self.passages))
        ]

    async def seconds(self, texts: Sequence[str]) -> float:
        """How long the process takes for these."""
        if self.process.stdin is None:
            raise RuntimeError("the process has no input")
        self.process.stdin.write(json.dumps(list(texts)).encode() + b"\n")
        await self.process.stdin.drain()
        return float(await self.line())

    async def line(self) -> bytes:
        """The next line it writes."""
        if self.process.stdout is None:
            raise RuntimeError("the process has no output")
        return await self.process.stdout.readline()


def _in_turn(embed: Callable[[str], Awaitable[object]]) -> Callable[[str], Awaitable[object]]:
    lock = asyncio.Lock()

    async def one(text: str) -> object:
        async with lock:
            return await embed(text)

    return one


@asynccontextmanager
async def _plain(questions: Sequence[str], passages: Sequence[str]) -> AsyncIterator[PlainSentenceTransformers]:
    """The peer's process, from its first text to the end of the block. Its weights are the package's, not fetched."""
    pipe = asyncio.subprocess.PIPE
    interpreter = await asyncio.to_thread(python, "embeddings")
    arguments = [str(PROGRAM), str(source_folder())]
    process = await asyncio.create_subprocess_exec(interpreter, *arguments, stdin=pipe, stdout=pipe, limit=_LINE)
    try:
        side = PlainSentenceTransformers(process, questions, passages)
        if (await side.line()).strip() != b"ready":
            raise RuntimeError("sentence-transformers did not start")
        yield side
    finally:
        process.kill()
        await process.wait()
