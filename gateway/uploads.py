"""A file out of a request's body, piece by piece: the whole body, or the first file of a form (RFC 7578)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header

from aiox.kernel.errors import ErrorCode
from gateway.errors import Stopped

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM: Final = "multipart/form-data"
_LONGEST_HEADERS: Final = 8192


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes in. `name` is what a form calls it, without folders; empty for a whole body."""

    name: str
    media_type: str
    pieces: AsyncIterator[bytes]


async def upload_of(content_type: str, body: AsyncIterator[bytes]) -> Upload:
    """The file in a body of this type. Raises Stopped with BODY_INVALID, so does `pieces`: not the form it says."""
    kind, options = parse_options_header(content_type)
    if kind != FORM.encode():
        return Upload("", content_type, body)
    if not options.get(b"boundary"):
        raise Stopped(ErrorCode.BODY_INVALID, "body: a form without a boundary")
    form = _Form(options[b"boundary"], body)
    return await form.first_file()


@dataclass(slots=True)
class _Form:
    """Reads a form as far as it has come in."""

    boundary: bytes
    body: AsyncIterator[bytes]
    headers: dict[str, bytes] = field(default_factory=dict)
    waiting: list[bytes] = field(default_factory=list)
    name: bytes = b""
    value: bytes = b""
    in_file: bool = False
    ended: bool = False

    async def first_file(self) -> Upload:
        """Reads up to the first part that has a file name."""
        parser = MultipartParser(self.boundary, self._callbacks(), max_size=float("inf"))
        pieces = self._parsed(parser)
        async for _ in pieces:
            if self.in_file:
                break
        if not self.in_file:
            raise Stopped(ErrorCode.BODY_INVALID, "body: the form holds no file")
        _, options = parse_options_header(self.headers["content-disposition"])
        name = options[b"filename"].decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
        return Upload(name, self.headers.get("content-type", b"").decode("latin-1"), self._file(pieces))

    async def _file(self, pieces: AsyncIterator[None]) -> AsyncIterator[bytes]:
        while True:
            for piece in self._taken():
                yield piece
            if self.ended:
                return
            try:
                await anext(pieces)
            except StopAsyncIteration:
                raise Stopped(ErrorCode.BODY_INVALID, "body: the form was cut off") from None

    def _taken(self) -> list[bytes]:
        taken, self.waiting = self.waiting, []
        return taken

    async def _parsed(self, parser: MultipartParser) -> AsyncIterator[None]:
        async for piece in self.body:
            try:
                parser.write(piece)
            except MultipartParseError:
                raise Stopped(ErrorCode.BODY_INVALID, "body: not the form that it says it is") from None
            yield None

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._part_ends,
        }

    def _part_begins(self) -> None:
        self.headers = {} if not self.in_file else self.headers

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self.name = (self.name + data[start:end])[:_LONGEST_HEADERS]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.value = (self.value + data[start:end])[:_LONGEST_HEADERS]

    def _header_ends(self) -> None:
        if not self.in_file:
            self.headers[self.name.decode("latin-1").lower()] = self.value
        self.name = self.value = b""

    def _headers_end(self) -> None:
        if self.in_file:
            return
        _, options = parse_options_header(self.headers.get("content-disposition", b""))
        self.in_file = bool(options.get(b"filename"))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self.in_file and not self.ended:
            self.waiting.append(data[start:end])

    def _part_ends(self) -> None:
        self.ended = self.ended or self.in_file
