"""Vectors of questions that are asked again, kept for minutes under their owner: never across owners, never a text."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ai_worker.memory.embedder import Embeds, Vector
from aiox.runtime.clock import Clock

KEPT: Final = 4096
"""Vectors at most: 6 MiB."""
KEPT_S: Final = 600.0

_Key = tuple[UUID, bytes]


class Cached:
    """An embedder that knows its last answers by owner and digest.

    Texts that nobody waits for, documents, are not kept: a deleted one has left nothing here.
    """

    def __init__(self, inner: Embeds, clock: Clock, most: int = KEPT, seconds: float = KEPT_S) -> None:
        self._inner = inner
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[_Key, tuple[float, Vector]] = OrderedDict()

    @property
    def model(self) -> str:
        """Name of the embedding model, the same for all that is kept here."""
        return self._inner.model

    def count(self, text: str) -> int:
        """Word pieces of a text."""
        return self._inner.count(text)

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        """As the port says. Without an owner, or patient, nothing is looked up and nothing kept."""
        if owner is None or patient:
            return await self._inner.embed(texts, owner, patient=patient)
        keys = [(owner, hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()) for text in texts]
        known = {key: vector for key in keys if (vector := self._known(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            fresh = await self._inner.embed(list(missing.values()), owner)
            for key, vector in zip(missing, fresh, strict=True):
                known[key] = vector
                self._keep(key, vector)
        return [known[key] for key in keys]

    def _known(self, key: _Key) -> Vector | None:
        found = self._kept.get(key)
        if found is None or found[0] < self._clock.monotonic():
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return found[1]

    def _keep(self, key: _Key, vector: Vector) -> None:
        self._kept[key] = (self._clock.monotonic() + self._seconds, vector)
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
