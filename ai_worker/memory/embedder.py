"""Text to vectors: what an embedder promises, and the queue in front of each model, on a thread of its own."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
DIMENSIONS: Final = 384
MAX_PIECES: Final = 256
"""Word pieces of one text that count; what comes after is not seen by the model."""
BATCH: Final = 32
"""Texts in one run of the graph at most: short ones that come together cost half of what they cost alone."""
BATCH_CHARACTERS: Final = 6000
"""What one run may take, filled up to its longest text: long texts gain nothing by it, and whoever asks next waits."""


class Embeds(Protocol):
    """What turns texts into unit vectors of 384 dimensions, in the order of the texts."""

    @property
    def model(self) -> str:
        """Name of the embedding model; vectors of different models are never compared."""
        ...

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        """One vector for each text. Raises RuntimeError when the backend is gone.

        `owner`: whose texts these are, when a repeat may be answered from a cache. `patient`: nobody waits for it, so
        that whoever is waited for goes first.
        """
        ...

    def count(self, text: str) -> int:
        """Word pieces of a text, without the two marks around it."""
        ...


class EmbedderMissing(Exception):
    """The model is not here, or none that memory can use. The message says how to mend it."""


@dataclass(slots=True, order=True)
class _Asked:
    patient: bool
    number: int
    text: str = field(compare=False)
    answer: asyncio.Future[Vector] = field(compare=False)


class Batched(ABC):
    """One model of a process, handed on as a parameter. Texts that arrive together share one run of it.

    `run` must be alive for `embed` to answer. Nothing of a text is kept after its answer.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._waiting: asyncio.PriorityQueue[_Asked] = asyncio.PriorityQueue()
        self._numbers = count()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")

    @abstractmethod
    def compute(self, texts: Sequence[str]) -> Vector:
        """The vectors of some texts as one array (texts, 384), here and now: blocks."""

    @abstractmethod
    def count(self, text: str) -> int:
        """Word pieces of a text, without the two marks around it."""

    @property
    def model(self) -> str:
        """Name of the embedding model."""
        return self._model

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        """One unit vector for each text, in order. Waits its turn; safe to cancel. Nothing is cached here."""
        loop = asyncio.get_running_loop()
        answers = {place: loop.create_future() for place in range(len(texts))}
        # Texts of like length share a batch: it is as long as its longest.
        for place in sorted(answers, key=lambda place: len(texts[place])):
            self._waiting.put_nowait(_Asked(patient, next(self._numbers), texts[place], answers[place]))
        return list(await asyncio.gather(*answers.values()))

    async def run(self) -> None:
        """Serves until cancelled: what waits, at most a batch at a time."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                batch = self._together(await self._waiting.get())
                wanted = [one for one in batch if not one.answer.done()]
                if wanted:
                    await self._serve(loop, wanted)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _together(self, first: _Asked) -> list[_Asked]:
        """What waits, those first who are waited for, as much as fits in one run."""
        batch, longest = [first], len(first.text)
        while len(batch) < BATCH and not self._waiting.empty():
            following = self._waiting.get_nowait()
            longest = max(longest, len(following.text))
            if longest * (len(batch) + 1) > BATCH_CHARACTERS:
                self._waiting.put_nowait(following)
                break
            batch.append(following)
        return batch

    async def _serve(self, loop: asyncio.AbstractEventLoop, batch: list[_Asked]) -> None:
        try:
            vectors = await loop.run_in_executor(self._thread, self.compute, [one.text for one in batch])
        except Exception as broken:  # noqa: BLE001 -- handed to those who asked; one bad batch must not end the queue
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(broken)
            return
        for one, vector in zip(batch, vectors, strict=True):
            if not one.answer.done():
                one.answer.set_result(vector)
