"""At the edge of the door: the names it answers under, and the other origins whose pages may ask it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware

from aiox.kernel.errors import ErrorCode
from gateway.errors import problem
from gateway.guard import App, Receive, Scope, Send

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The names of this machine to itself; always answered."""
_WITHOUT_NAME: Final = frozenset({"/livez", "/readyz"})
"""Probes come by address, and tell nothing."""


class KnownHosts:
    """ASGI: answers requests for its own names only, so that a page elsewhere cannot rebind a name to this machine."""

    def __init__(self, app: App, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Refused with WRONG_HOST."""
        if scope["type"] != "http" or scope["path"] in _WITHOUT_NAME or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        await problem(ErrorCode.WRONG_HOST)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        found = [value for key, value in scope["headers"] if key == b"host"]
        return len(found) == 1 and _name(found[0].decode("latin-1")) in self._hosts


def _name(host: str) -> str:
    """The name in a Host header, without a port; nothing for what is no name and port (RFC 9110, 7.2)."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        return host.lower()
    return name.lower() if port.isascii() and port.isdigit() else ""


def open_to(origins: Sequence[str], app: App) -> App:
    """The application, with CORS for these origins; without any, no page of another origin may read it.

    No cookies go across: who asks from elsewhere brings a token.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "Last-Event-ID"],
        expose_headers=["ETag", "Location", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"],
        max_age=600,
    )
