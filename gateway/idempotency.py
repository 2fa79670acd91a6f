"""Idempotency-Key: the same POST under the same key is done once, and answered the same way for 24 hours (SPEC 12).

Only what succeeded is kept: a request that was refused has done nothing, and may be mended and sent again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header, Request

from aiox.commands.hub import Actor
from aiox.kernel.errors import ErrorCode
from aiox.runtime.logs import Log, describe
from gateway.errors import problem
from gateway.guard import App, Message, Receive, Scope, Send, is_upload
from registry.idempotency import Claim, KeptAnswer, Keys, Standing

PATTERN: Final = r"^[\x21-\x7e]{1,255}$"
DESCRIPTION: Final = "your own id of this request: sent again under the same key, it is not done again (24 hours)"
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=PATTERN, description=DESCRIPTION)]
"""For routes that know the key themselves; all others need not name it."""

KEPT_HEADERS: Final = frozenset({"content-type", "location", "etag"})
MAX_KEPT_BYTES: Final = 256 * 1024
"""Longer answers are not kept: their key tells requests apart and no more."""
_KEY: Final = re.compile(PATTERN)
_REPEATS_ITSELF: Final = "repeats_itself"
_PROBLEMS: Final = {Standing.IN_USE: ErrorCode.KEY_IN_USE, Standing.REUSED: ErrorCode.KEY_REUSED}


def repeats_itself(request: Request) -> None:
    """Called by a route that recognises its key: a repeat is run again, and only another body is refused."""
    setattr(request.state, _REPEATS_ITSELF, True)


class Idempotent:
    """ASGI: around routes whose caller and body are known."""

    def __init__(self, app: App, keys: Keys, now: Callable[[], datetime], log: Log) -> None:
        self._app = app
        self._keys = keys
        self._now = now
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Refused with KEY_REUSED, KEY_IN_USE, or BODY_INVALID for what is no key."""
        actor = scope.get("state", {}).get("actor")
        given = [value.decode("latin-1") for key, value in scope.get("headers", ()) if key == b"idempotency-key"]
        asked = scope["type"] == "http" and scope["method"] == "POST" and bool(given) and isinstance(actor, Actor)
        if not asked or is_upload(scope):  # the same file again changes nothing by itself
            await self._app(scope, receive, send)
            return
        if len(given) != 1 or _KEY.match(given[0]) is None:
            await problem(ErrorCode.BODY_INVALID, "header.Idempotency-Key: 1 to 255 visible ASCII characters")(
                scope, receive, send
            )
            return
        message = await receive()  # whole: gateway.guard.Body has read it
        found = await self._keys.claim(
            actor.owner, _digest(scope["path"], given[0]), _request(scope, message), self._now()
        )
        await self._go_on(found, scope, _once(message, receive), send)

    async def _go_on(self, found: Claim | KeptAnswer | Standing, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(found, Claim):
            await self._run(found, scope, receive, send)
        elif isinstance(found, KeptAnswer):
            await _replay(found, send)
        elif found is Standing.REPEATABLE:
            await self._app(scope, receive, send)
        else:
            wait_s = 1 if found is Standing.IN_USE else 0
            await problem(_PROBLEMS[found], retry_after_s=wait_s)(scope, receive, send)

    async def _run(self, claim: Claim, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(self._keys, claim, scope, send, self._log)
        try:
            await self._app(scope, receive, answer)
        finally:
            if not answer.decided:
                await self._keys.release(claim)


class _Answer:
    """Holds an answer back until it is kept, so that whoever has it may rely on the key. Streams go through."""

    def __init__(self, keys: Keys, claim: Claim, scope: Scope, send: Send, log: Log) -> None:
        self._keys = keys
        self._claim = claim
        self._scope = scope
        self._send = send
        self._log = log
        self._start: Message = {}
        self._body = bytearray()
        self._through = False
        self.decided = False
        """The key stands for something now, or was released."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
            return
        if self._through:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._keep()
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": bytes(self._body)})

    async def _begin(self, message: Message) -> None:
        self._start = message
        names = {name.lower() for name, _ in message.get("headers", ())}
        if not 200 <= message["status"] < 300 or b"set-cookie" in names:
            self._through = self.decided = True
            await self._keys.release(self._claim)
        elif self._scope["state"].get(_REPEATS_ITSELF, False):
            self._through = self.decided = True
            await self._keys.keep_repeatable(self._claim, message["status"])
        if self._through:
            await self._send(message)

    async def _keep(self) -> None:
        self.decided = True
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in self._start.get("headers", ())
            if name.decode("latin-1").lower() in KEPT_HEADERS
        )
        try:
            if len(self._body) > MAX_KEPT_BYTES:
                await self._keys.keep_repeatable(self._claim, self._start["status"])
            else:
                await self._keys.keep(self._claim, KeptAnswer(self._start["status"], headers, bytes(self._body)))
        except Exception as broken:  # noqa: BLE001 -- it is done: its answer is worth more than its repeat
            self._log.error("idempotent_answer_not_kept", error=describe(broken))


async def _replay(kept: KeptAnswer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    headers += [(b"content-length", str(len(kept.body)).encode()), (b"idempotent-replayed", b"true")]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body})


def _digest(*parts: str | bytes) -> bytes:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8) + data)
    return whole.digest()


def _request(scope: Scope, message: Message) -> bytes:
    return _digest(scope.get("query_string", b""), message.get("body", b""))


def _once(message: Message, receive: Receive) -> Receive:
    pending: list[Any] = [message]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again
