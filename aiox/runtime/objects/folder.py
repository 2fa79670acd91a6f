"""Objects as files of a folder: the store of a hub on one machine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from aiox.runtime.objects.port import PIECE, ObjectMissing, place


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects as files of a folder (0700, files 0600), which all services that use them share.

    Disk work is done in threads: the event loop never waits for a disk.
    """

    folder: Path

    async def put(self, name: UUID, pieces: AsyncIterator[bytes]) -> None:
        """Written beside, synced, then renamed. What a crash leaves half, `older` deletes."""
        path = self._path(name)
        temporary = path.with_suffix(".new")
        file = await asyncio.to_thread(_create, temporary)
        try:
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_finish, file, temporary, path)
        except BaseException:
            file.close()
            temporary.unlink(missing_ok=True)
            raise

    async def read(self, name: UUID) -> AsyncIterator[bytes]:
        """Piece by piece."""
        try:
            file = await asyncio.to_thread(self._path(name).open, "rb")
        except FileNotFoundError:
            raise ObjectMissing(str(name)) from None
        try:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece
        finally:
            file.close()

    async def delete(self, name: UUID) -> None:
        """Unlinked; on disk until it is written over, as ciphertext."""
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def older(self, age_s: float) -> Sequence[UUID]:
        """Halves that a crash left are deleted on the way."""
        return await asyncio.to_thread(self._older, age_s)

    def _older(self, age_s: float) -> Sequence[UUID]:
        before = time.time() - age_s
        found = []
        for path in self.folder.glob("??/*"):
            if path.stat().st_mtime >= before:
                continue
            if path.suffix == ".new":
                path.unlink(missing_ok=True)
            else:
                found.append(UUID(path.name))
        return found

    def _path(self, name: UUID) -> Path:
        return self.folder / place(name)


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _finish(file: BinaryIO, temporary: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
