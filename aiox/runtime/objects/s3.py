"""Objects in an S3-compatible store (AWS, MinIO, Ceph, Garage...), signed with Signature Version 4.

Requests go out over aiohttp; botocore signs them, and nothing else of it is used. An object is one PUT, which such a
store does whole or not at all. The store compares what came with the SHA-256 that was signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib import import_module
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from urllib.parse import quote, urlencode
from uuid import UUID

import aiohttp
from defusedxml import ElementTree
from yarl import URL

from aiox.runtime.objects.port import PIECE, ObjectMissing, place
from aiox.runtime.settings import Objects

IN_MEMORY: Final = 1 << 20
"""What is larger waits for its upload in a temporary file."""
PAGE: Final = 1000
"""Objects in one answer of a listing: what such stores give at most."""
TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
_ERROR_BYTES: Final = 4096
_REFUSED: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: "Mend: objects.access_key, objects.secret_key and what they may do with the bucket.",
    HTTPStatus.NOT_FOUND: "Mend: make the bucket that objects.bucket names.",
}


class S3Store:
    """The objects of one bucket below a prefix. Each request has a connection of its own: files are rare."""

    def __init__(self, settings: Objects) -> None:
        self._settings = settings
        self._bucket = f"{settings.endpoint.rstrip('/')}/{quote(settings.bucket)}"

    async def put(self, name: UUID, pieces: AsyncIterator[bytes]) -> None:
        """Gathered first, for its length and its digest, then sent."""
        with SpooledTemporaryFile(max_size=IN_MEMORY) as gathered:
            async for piece in pieces:
                await asyncio.to_thread(gathered.write, piece)
            async with self._asked("PUT", self._url(name), gathered) as answer:
                await _expect(answer, HTTPStatus.OK)

    async def read(self, name: UUID) -> AsyncIterator[bytes]:
        """Piece by piece, as it comes."""
        async with self._asked("GET", self._url(name)) as answer:
            if answer.status != HTTPStatus.OK:
                code = await _code(answer)
                raise ObjectMissing(str(name)) if code == "NoSuchKey" else _trouble(answer.status, code)
            async for piece in answer.content.iter_chunked(PIECE):
                yield piece

    async def delete(self, name: UUID) -> None:
        """Gone at once, or, in a bucket with versions, for all who do not ask for old ones: as ciphertext."""
        async with self._asked("DELETE", self._url(name)) as answer:
            await _expect(answer, HTTPStatus.NO_CONTENT, HTTPStatus.OK)

    async def older(self, age_s: float) -> Sequence[UUID]:
        """By the store's own clock. What has no name of ours is somebody else's and left alone."""
        found: list[UUID] = []
        token = ""
        while True:
            page = await self._page(token)
            before = page.now - timedelta(seconds=age_s)
            for key, stored in page.entries:
                name = self._name(key)
                if name is not None and stored < before:
                    found.append(name)
            token = page.next
            if not token:
                return found

    async def reach(self) -> None:
        """Asks for a first page of the bucket. Raises OSError with what is wrong."""
        await self._page("")

    async def _page(self, token: str) -> _Page:
        query = {"list-type": "2", "prefix": self._settings.prefix, "max-keys": str(PAGE)}
        query |= {"continuation-token": token} if token else {}
        async with self._asked("GET", f"{self._bucket}?{urlencode(query, quote_via=quote, safe='')}") as answer:
            await _expect(answer, HTTPStatus.OK)
            document, date = await answer.read(), answer.headers.get("Date", "")
        try:
            return _read(document, date)
        except (ElementTree.ParseError, ValueError) as wrong:
            raise OSError(f"the object store's list cannot be read: {wrong}") from wrong

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, body: IO[bytes] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One signed request. Raises OSError for whatever the network does."""
        headers = await asyncio.to_thread(self._signed, method, url, body)
        data = None if body is None else _content(body)
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as session,
                session.request(
                    method, URL(url, encoded=True), headers=headers, data=data, allow_redirects=False
                ) as answer,
            ):
                yield answer
        except aiohttp.ClientError as away:
            raise OSError(f"the object store does not answer: {type(away).__name__}: {away}") from away

    def _signed(self, method: str, url: str, body: IO[bytes] | None) -> dict[str, str]:
        """The headers of a request. Reads the body for its digest; loads the signer at the first time."""
        auth, requests = import_module("botocore.auth"), import_module("botocore.awsrequest")
        keys = import_module("botocore.credentials").Credentials(self._settings.access_key, self._settings.secret_key)
        headers = {}
        if body is not None:
            headers["Content-Length"] = str(body.seek(0, 2))
            body.seek(0)
        request = requests.AWSRequest(method, url, headers=headers, data=body or b"")
        auth.S3SigV4Auth(keys, "s3", self._settings.region).add_auth(request)
        return {**request.headers, "Accept-Encoding": "identity"}

    def _url(self, name: UUID) -> str:
        return f"{self._bucket}/{self._settings.prefix}{place(name)}"

    def _name(self, key: str) -> UUID | None:
        try:
            name = UUID(key.rpartition("/")[2])
        except ValueError:
            return None
        return name if key == self._settings.prefix + place(name) else None


async def _content(body: IO[bytes]) -> AsyncIterator[bytes]:
    body.seek(0)
    while piece := await asyncio.to_thread(body.read, PIECE):
        yield piece


@dataclass(frozen=True, slots=True)
class _Page:
    """Of a listing: key and time of each object, the store's own time, and where it goes on."""

    entries: Sequence[tuple[str, datetime]]
    now: datetime
    next: str


def _read(document: bytes, date: str) -> _Page:
    """Raises ValueError or ParseError."""
    page = ElementTree.fromstring(document)
    entries = [
        (entry.findtext("{*}Key", ""), datetime.fromisoformat(entry.findtext("{*}LastModified", "")))
        for entry in page.iterfind("{*}Contents")
    ]
    return _Page(entries, parsedate_to_datetime(date), page.findtext("{*}NextContinuationToken", ""))


async def _expect(answer: aiohttp.ClientResponse, *wanted: HTTPStatus) -> None:
    """Raises OSError with what the store says is wrong."""
    if answer.status not in wanted:
        raise _trouble(answer.status, await _code(answer))


def _trouble(status: int, code: str) -> OSError:
    said = " ".join(filter(None, (str(status), code)))
    return OSError(f"the object store answers {said}. {_REFUSED.get(status, '')}".rstrip())


async def _code(answer: aiohttp.ClientResponse) -> str:
    """The code of an error document; empty when it is none."""
    document = await answer.content.read(_ERROR_BYTES)
    try:
        code: str = ElementTree.fromstring(document).findtext("{*}Code", "")
    except (ElementTree.ParseError, ValueError):
        return ""
    return code
