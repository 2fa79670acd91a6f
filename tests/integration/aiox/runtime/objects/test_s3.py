"""What an S3-compatible store may refuse, lose or hold besides: said as OSError, and nothing of others is touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from aiox.runtime.objects import s3
from aiox.runtime.objects.port import ObjectMissing
from aiox.runtime.objects.s3 import S3Store
from aiox.runtime.settings import Objects
from tests.ports import free_port
from tests.s3_server import S3Server


async def given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def content(store: S3Store, name: UUID) -> bytes:
    return b"".join([piece async for piece in store.read(name)])


@pytest.fixture
def settings(s3_server: S3Server) -> Objects:
    return s3_server.settings(prefix=f"{uuid4()}/")


async def test_another_key_is_refused_for_everything(settings: Objects) -> None:
    name = uuid4()
    await S3Store(settings).put(name, given(b"a"))
    stranger = S3Store(settings.model_copy(update={"secret_key": "not-the-key"}))
    for work in (stranger.put(name, given(b"b")), content(stranger, name), stranger.delete(name), stranger.older(-60)):
        with pytest.raises(OSError, match=r"403 SignatureDoesNotMatch\. Mend: objects\.access_key"):
            await work
    assert await content(S3Store(settings), name) == b"a"


async def test_a_bucket_that_is_not_there_is_no_missing_object(settings: Objects) -> None:
    elsewhere = S3Store(settings.model_copy(update={"bucket": "nowhere"}))
    with pytest.raises(OSError, match=r"404 NoSuchBucket\. Mend: make the bucket"):
        await content(elsewhere, uuid4())
    with pytest.raises(OSError, match="404 NoSuchBucket"):
        await elsewhere.put(uuid4(), given(b"a"))


async def test_a_store_that_is_away_is_said_so(settings: Objects) -> None:
    away = S3Store(settings.model_copy(update={"endpoint": f"http://127.0.0.1:{free_port()}"}))
    with pytest.raises(OSError, match="does not answer"):
        await away.put(uuid4(), given(b"a"))


async def test_objects_are_listed_page_by_page_and_those_of_others_left_out(
    settings: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PAGE", 2)
    store, other = S3Store(settings), S3Store(settings.model_copy(update={"prefix": f"{settings.prefix}other/"}))
    names = {uuid4() for _ in range(5)}
    for name in names:
        await store.put(name, given(b"a"))
    await other.put(uuid4(), given(b"somebody else's"))
    assert set(await store.older(-60)) == names


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "does not answer"),
        (b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n", "503"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>", "404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "302"),
        (b"no http at all\r\n\r\n", "does not answer"),
    ],
    ids=["cut off", "slow down", "a page that is missing", "elsewhere", "another protocol"],
)
async def test_an_odd_answer_is_trouble_and_never_an_object_or_its_absence(
    settings: Objects, answer: bytes, said: str
) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        store = S3Store(settings.model_copy(update={"endpoint": f"http://127.0.0.1:{port}"}))
        with pytest.raises(OSError, match=said):
            await content(store, uuid4())
        with pytest.raises(OSError, match=r"answer|cannot be read"):
            await store.older(0)


async def test_a_store_is_tried_before_it_is_needed(settings: Objects) -> None:
    await S3Store(settings).reach()
    with pytest.raises(OSError, match="404 NoSuchBucket"):
        await S3Store(settings.model_copy(update={"bucket": "nowhere"})).reach()


async def test_what_was_never_put_is_missing(settings: Objects) -> None:
    with pytest.raises(ObjectMissing):
        await content(S3Store(settings), uuid4())
