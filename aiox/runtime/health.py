"""/livez, /readyz and /metrics on a loopback port, for every service (SPEC 13).

Who asks for OpenMetrics gets it, and with it the exemplars: ids that lead from a bucket to a trace and to audit rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

Ready = Callable[[], Awaitable[str]]
"""Empty text when ready, else what is missing."""


def health_app(ready: Ready) -> Callable[..., Awaitable[None]]:
    """A bare ASGI application."""

    async def app(scope: dict[str, Any], _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        accepted = dict(scope.get("headers", ())).get(b"accept", b"").decode("latin-1")
        status, kind, body = await _answer(scope["path"], accepted, ready)
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _answer(path: str, accepted: str, ready: Ready) -> tuple[int, str, bytes]:
    if path == "/livez":
        return 200, "text/plain", b"alive\n"
    if path == "/readyz":
        missing = await ready()
        return (503, "text/plain", missing.encode() + b"\n") if missing else (200, "text/plain", b"ready\n")
    if path == "/metrics":
        encode, kind = choose_encoder(accepted)
        return 200, kind, await asyncio.to_thread(encode, REGISTRY)  # thousands of lines: turns go on meanwhile
    return 404, "text/plain", b"here are /livez, /readyz and /metrics\n"


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the supervisor."""
        yield


async def serve(
    app: Any, port: int, host: str = "127.0.0.1", linger_s: int | None = None, socket_bytes: int = 0
) -> None:
    """Serves an ASGI application on loopback until cancelled. Raises OSError when the port is taken.

    `linger_s` is how long answers under way may take after that, in seconds; None: as long as they want.
    `socket_bytes` is the longest WebSocket message that is taken in; 0: no WebSockets.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="websockets-sansio" if socket_bytes else "none",
        ws_max_size=socket_bytes or 1,
        ws_per_message_deflate=False,  # a small frame must not unfold into a large one
        timeout_graceful_shutdown=linger_s,
    )
    server = _Server(config)
    try:
        await server.serve()
    except SystemExit as gone:
        raise OSError(f"port {port} on {host} is taken") from gone
    except asyncio.CancelledError:
        server.should_exit = True
        await server.shutdown()
        raise
