"""Every object store keeps the port's promises: the folder, and an S3-compatible server that checks signatures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from aiox.runtime.objects.folder import FolderStore
from aiox.runtime.objects.port import PIECE, NoStore, ObjectMissing, ObjectStore
from aiox.runtime.objects.s3 import IN_MEMORY, S3Store
from tests.s3_server import S3Server


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(tmp_path)
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Store(server.settings(prefix=f"{uuid4()}/"))


async def given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def broken(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    raise ConnectionResetError


async def content(store: ObjectStore, name: UUID) -> bytes:
    return b"".join([piece async for piece in store.read(name)])


@pytest.mark.parametrize(
    "pieces",
    [(), (b"",), (b"a" * PIECE, b"b"), (bytes(range(256)) * 16,) * (2 * IN_MEMORY // 4096)],
    ids=["nothing", "an empty piece", "two pieces", "beyond what is kept in memory"],
)
async def test_what_is_put_is_read(store: ObjectStore, pieces: tuple[bytes, ...]) -> None:
    name = uuid4()
    await store.put(name, given(*pieces))
    assert await content(store, name) == b"".join(pieces)


async def test_what_is_put_again_is_replaced(store: ObjectStore) -> None:
    name = uuid4()
    await store.put(name, given(b"first and longer"))
    await store.put(name, given(b"again"))
    assert await content(store, name) == b"again"


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: ObjectStore) -> None:
    name, other = uuid4(), uuid4()
    for one in (name, other):
        await store.put(one, given(b"a"))
    await store.delete(name)
    await store.delete(name)
    with pytest.raises(ObjectMissing):
        await content(store, name)
    assert await content(store, other) == b"a"


async def test_of_what_broke_off_nothing_is_left(store: ObjectStore) -> None:
    for name, pieces in ((uuid4(), (b"half",)), (uuid4(), (b"x" * IN_MEMORY, b"y"))):
        with pytest.raises(ConnectionResetError):
            await store.put(name, broken(*pieces))
        with pytest.raises(ObjectMissing):
            await content(store, name)
    assert list(await store.older(-60)) == []


async def test_what_broke_off_leaves_what_was_there(store: ObjectStore) -> None:
    name = uuid4()
    await store.put(name, given(b"whole"))
    with pytest.raises(ConnectionResetError):
        await store.put(name, broken(b"half"))
    assert await content(store, name) == b"whole"


async def test_age_counts(store: ObjectStore) -> None:
    names = {uuid4() for _ in range(3)}
    for name in names:
        await store.put(name, given(b"a"))
    assert set(await store.older(-60)) == names
    assert list(await store.older(3600)) == []


async def test_a_reader_that_stops_early_harms_nobody(store: ObjectStore) -> None:
    name = uuid4()
    await store.put(name, given(b"a" * (4 * PIECE)))
    reading = aiter(store.read(name))
    assert await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    assert len(await content(store, name)) == 4 * PIECE


async def test_a_process_without_files_is_told_so() -> None:
    store = NoStore()
    with pytest.raises(OSError, match="no object store"):
        await store.put(uuid4(), given(b"a"))
    with pytest.raises(OSError, match="no object store"):
        await content(store, uuid4())
