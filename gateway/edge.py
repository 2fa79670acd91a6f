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
_FIGURES: Final = "/metrics"


class KnownHosts:
    """ASGI: answers requests for its own names only, so that a page elsewhere cannot rebind a name to this machine.

    Under those of them that are `public`, by which the world comes, there are no figures of how busy the hub is.
    """

    def __init__(self, app: App, hosts: Collection[str], public: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._inside = self._hosts - {host.lower() for host in public}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Refused with WRONG_HOST, and with NOT_FOUND for figures under a public name."""
        if scope["type"] != "http" or scope["path"] in _WITHOUT_NAME:
            await self._app(scope, receive, send)
        elif not is_known(scope, self._hosts):
            await problem(ErrorCode.WRONG_HOST)(scope, receive, send)
        elif scope["path"] == _FIGURES and not is_known(scope, self._inside):
            await problem(ErrorCode.NOT_FOUND)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_known(scope: Scope, hosts: Collection[str]) -> bool:
    """Whether a request names this door as one of `hosts` (lower case), once and without doubt; or as loopback."""
    found = [value for key, value in scope["headers"] if key == b"host"]
    name = _name(found[0].decode("latin-1")) if len(found) == 1 else ""
    return name in LOOPBACK or name in hosts


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
