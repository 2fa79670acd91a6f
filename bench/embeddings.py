"""Embeddings per second for 32 callers: the worker's embedder, which batches what comes together, beside one by one.

Questions of a dozen words, as turns ask them, and passages as documents are cut into; the same texts on both sides.
Where the extra `sentence-transformers` is installed, it is the first side, one by one, its `encode` called plainly.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from ai_worker.memory.minilm import MiniLM
from aiox.runtime.settings import load_settings
from bench.measure import Figure

NAME: Final = "embeddings-batched"
_WORDS: Final = (
    *("pump", "valve", "boiler", "report", "invoice", "delivery", "meeting", "train", "station", "contract", "garden"),
    *("warranty", "coffee", "machine", "river", "engine", "window", "password", "account", "message", "agent"),
    *("policy", "quota", "memory", "schedule", "winter", "holiday", "museum", "bridge", "energy"),
)
_MODEL: Final = "sentence-transformers/all-MiniLM-L6-v2"


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
async def sides(clients: int, _questions: int, seconds: float) -> AsyncIterator[list[Embedding]]:
    """No stack. `seconds` sets the texts of a round: 32 questions and 8 passages for each."""
    minilm = MiniLM(load_settings().minilm_folder, _MODEL)
    given = (clients, texts_of(max(64, int(32 * seconds)), 12), texts_of(max(16, int(8 * seconds)), 90))

    async def batched(text: str) -> object:
        return await minilm.embed([text])

    async def alone(text: str) -> object:
        return await asyncio.to_thread(minilm.compute, [text])

    async with asyncio.TaskGroup() as group:
        running = group.create_task(minilm.run())
        yield [
            *_reference(given),
            Embedding("onnxruntime, one by one", _in_turn(alone), *given),
            Embedding("worker's embedder", batched, *given),
        ]
        running.cancel()


def _in_turn(embed: Callable[[str], Awaitable[object]]) -> Callable[[str], Awaitable[object]]:
    lock = asyncio.Lock()

    async def one(text: str) -> object:
        async with lock:
            return await embed(text)

    return one


def _reference(given: tuple[int, Sequence[str], Sequence[str]]) -> list[Embedding]:
    """Plain sentence-transformers, when it is there; its weights are not fetched."""
    if find_spec("sentence_transformers") is None:
        return []
    model = import_module("sentence_transformers").SentenceTransformer(_MODEL, device="cpu", local_files_only=True)

    async def plain(text: str) -> object:
        return await asyncio.to_thread(model.encode, text)

    return [Embedding("sentence-transformers, one by one", _in_turn(plain), *given)]
