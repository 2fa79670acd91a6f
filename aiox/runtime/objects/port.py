"""What an object store promises. Objects are ciphertexts (aiox.runtime.sealed_stream)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol
from uuid import UUID

PIECE: Final = 1 << 16


class ObjectMissing(Exception):
    """There is no such object."""


class ObjectStore(Protocol):
    """Keeps objects by id. Every method raises OSError when the store cannot be reached or is full."""

    async def put(self, name: UUID, pieces: AsyncIterator[bytes]) -> None:
        """Stores an object durably, whole or not at all: when `pieces` raises, nothing is left. Again replaces it."""
        ...

    def read(self, name: UUID) -> AsyncIterator[bytes]:
        """The object in pieces. Raises ObjectMissing."""
        ...

    async def delete(self, name: UUID) -> None:
        """Deletes an object. Again is a no-op."""
        ...

    async def older(self, age_s: float) -> Sequence[UUID]:
        """The objects that were stored more than `age_s` seconds ago."""
        ...


class NoStore:
    """For processes that keep no files: whoever asks is told that there is no store."""

    async def put(self, name: UUID, pieces: AsyncIterator[bytes]) -> None:
        """Refused."""
        raise OSError("this process has no object store")

    def read(self, name: UUID) -> AsyncIterator[bytes]:
        """Refused."""
        raise OSError("this process has no object store")

    async def delete(self, name: UUID) -> None:
        """Refused."""
        raise OSError("this process has no object store")

    async def older(self, age_s: float) -> Sequence[UUID]:
        """Refused."""
        raise OSError("this process has no object store")


def place(name: UUID) -> str:
    """Where an object lies below the root of its store: alike in all, so that a store can be copied into another."""
    return f"{name.hex[:2]}/{name}"
