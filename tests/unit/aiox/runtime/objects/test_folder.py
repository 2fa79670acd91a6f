"""The folder that keeps objects."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from aiox.runtime.objects.folder import FolderStore


async def given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def broken() -> AsyncIterator[bytes]:
    yield b"half"
    raise ConnectionResetError


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    store, name = FolderStore(tmp_path / "objects"), uuid4()
    await store.put(name, given(b"a"))
    (path,) = files(tmp_path)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_of_what_broke_off_nothing_is_left(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(ConnectionResetError):
        await store.put(uuid4(), broken())
    assert not files(tmp_path)


async def test_old_objects_are_found_and_what_a_crash_left_half_goes(tmp_path: Path) -> None:
    store, old, new = FolderStore(tmp_path), uuid4(), uuid4()
    for name in (old, new):
        await store.put(name, given(b"a"))
    half = tmp_path / "ab" / f"{uuid4()}.new"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")
    for path in (half, tmp_path / old.hex[:2] / str(old)):
        os.utime(path, (time.time() - 7200,) * 2)
    assert list(await store.older(3600)) == [old]
    assert not half.exists()
