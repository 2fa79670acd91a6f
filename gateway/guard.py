"""What stands around every request, as plain ASGI: headers, time, figures; and around every body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from aiox.kernel.errors import ErrorCode
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from gateway.errors import failed, problem
from gateway.metrics import HttpMetrics

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES: Final = 1 << 20
REQUEST_TIMEOUT_S: Final = 60.0
UPLOAD_TIMEOUT_S: Final = 600.0
"""For a file to come in."""
STREAM_TIMEOUT_S: Final = 900.0
"""For answers that are event streams, from their beginning; they end themselves before (gateway.streams)."""
_EVENTS: Final = b"text/event-stream"
_FILES: Final = re.compile(r"/v1/agents/[^/]+/documents")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_METHODS: Final = _WITH_BODY | {"GET", "HEAD", "DELETE", "OPTIONS"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
_HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class Guard:
    """Wraps the whole application. A bug inside becomes one logged problem document; nothing of it leaks out."""

    def __init__(
        self,
        app: App,
        log: Log,
        clock: Clock,
        metrics: HttpMetrics,
        timeout_s: float = REQUEST_TIMEOUT_S,
        *,
        hsts: bool = False,
    ) -> None:
        self._app = app
        self._log = log
        self._clock = clock
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_S if is_upload(scope) else self._timeout_s) as budget:
                answer = _Answer(send, self._headers(scope), budget, self._clock)
                await self._app(scope, receive, answer)
        except Exception as broken:  # noqa: BLE001 -- the one boundary: logged here, answered without a word of it
            what = "request_timed_out" if isinstance(broken, TimeoutError) else "request_failed"
            self._log.exception(what, path=_route(scope), method=_method(scope))
            if answer.status == 0:
                await failed(broken)(scope, _nothing, answer)
        seconds = (answer.at or self._clock.monotonic()) - began
        self._metrics.answered(_method(scope), _route(scope), answer.status or 499, seconds)

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        extra = list(_HEADERS)
        if scope["path"].startswith("/v1/"):
            extra.append((b"cache-control", b"no-store"))
        if self._hsts or scope.get("scheme") == "https":
            extra.append(_HSTS)
        return extra


class Body:
    """Lets a body in when it is JSON and at most 1 MiB; bodies of other methods are not read.

    Files are let through as they come: their route reads them piece by piece, up to a limit of their own.

    No control character comes in by a path, where a line end would pass for the end of a route, and no NUL by a query:
    no store takes it. In bodies the fields of commands refuse it.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if (code := _control(scope)) is not None:
            await problem(code, "query: the NUL character" if code is ErrorCode.BODY_INVALID else "")(
                scope, receive, send
            )
            return
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY or is_upload(scope):
            await self._app(scope, receive, send)
            return
        body = await _read_body(scope, receive)
        if isinstance(body, ErrorCode):
            await problem(body)(scope, receive, send)
        elif body and not _is_json(scope):
            await problem(ErrorCode.UNSUPPORTED_MEDIA_TYPE)(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)


class _Answer:
    """Sends on, with the security headers added, and remembers the status and when it came."""

    def __init__(self, send: Send, extra: list[tuple[bytes, bytes]], budget: asyncio.Timeout, clock: Clock) -> None:
        self._send = send
        self._extra = extra
        self._budget = budget
        self._clock = clock
        self.status = 0
        self.at = 0.0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.at = message["status"], self._clock.monotonic()
            given = list(message.get("headers", ()))
            if any(name.lower() == b"content-type" and value.startswith(_EVENTS) for name, value in given):
                self._budget.reschedule(asyncio.get_running_loop().time() + STREAM_TIMEOUT_S)
            message = {**message, "headers": [*given, *self._extra]}
        await self._send(message)


def is_upload(scope: Scope) -> bool:
    """Whether a request brings a file: POST to an agent's documents."""
    return scope["type"] == "http" and scope["method"] == "POST" and _FILES.fullmatch(scope["path"]) is not None


def _control(scope: Scope) -> ErrorCode | None:
    if _CONTROL.search(scope["path"]):
        return ErrorCode.NOT_FOUND
    return ErrorCode.BODY_INVALID if b"%00" in scope.get("query_string", b"") else None


async def _read_body(scope: Scope, receive: Receive) -> bytes | ErrorCode:
    """The whole body, or BODY_TOO_LARGE as soon as it is known to be: by its announced length or by counting."""
    announced = _header(scope, b"content-length")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        return ErrorCode.BODY_TOO_LARGE
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return ErrorCode.BODY_INVALID
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return ErrorCode.BODY_TOO_LARGE
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _is_json(scope: Scope) -> bool:
    return _header(scope, b"content-type").split(";")[0].strip().lower() == "application/json"


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route's pattern; `other` for what no route matched, so that labels stay few."""
    return str(getattr(scope.get("route"), "path", "other"))
