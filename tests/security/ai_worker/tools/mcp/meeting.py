"""What it takes to meet the little server: by stdio in the sandbox, and over HTTP on loopback."""

from __future__ import annotations

import asyncio
import site
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.cgroup import find_groups
from ai_worker.tools.mcp.servers import Strangers, TurnServers
from ai_worker.tools.pin import Pin, Place
from ai_worker.tools.port import Given, Means
from aiox.kernel.agent import McpServer
from aiox.kernel.tools import Terms
from aiox.runtime.clock import SystemClock
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress

HERE = Path(__file__).parent
CODE = {"packages": Path(site.getsitepackages()[0]), "servers": HERE}
PATIENCE_S = 60.0
"""A loaded machine takes long to start an interpreter."""


def strangers(internal: Sequence[str] = (), code: dict[str, Path] | None = None) -> Strangers:
    reach = Reach(tuple(internal))
    means = Means(Bubblewrap(SystemClock(), groups=find_groups()), Egress(reach), reach)
    return Strangers(means, lambda _, work: asyncio.get_running_loop().create_task(work), CODE | (code or {}))


def stdio(name: str = "little") -> McpServer:
    return McpServer(name=name, transport="stdio", command=("python3", "/code/servers/little_server.py"))


def http(port: int, host: str = "127.0.0.1") -> McpServer:
    """An owner can only name https; what the transport does with a server is the same."""
    return McpServer.model_construct(name="little", transport="http", command=(), url=f"http://{host}:{port}/mcp")


async def seen(met: Strangers, server: McpServer, domains: Sequence[str] = ("127.0.0.1",)) -> dict[str, str]:
    """Digest by name of the tools that it offers."""
    async with asyncio.timeout(PATIENCE_S):
        return {one.name: one.digest for one in await met.look(Place(server, domains=domains))}


async def called(
    servers: TurnServers, server: McpServer, tool: str, digest: str, *, secret: str = "", **arguments: Any
) -> str:
    """One call of a tool that was approved with that digest."""
    terms = Terms(allowed_domains=("127.0.0.1",))
    async with asyncio.timeout(PATIENCE_S):
        return await servers.run(arguments, Given(terms, secret=secret, mcp=Pin(server, tool, digest)))


@asynccontextmanager
async def over_http(little: MCPServer, asked: list[tuple[str, str]] | None = None) -> AsyncIterator[int]:
    """Serves it on loopback; gives the port. `asked` takes the method and the authorization of each request."""
    app = little.streamable_http_app()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and asked is not None:
            headers = dict(scope["headers"])
            asked.append((scope["method"], headers.get(b"authorization", b"").decode()))
        await app(scope, receive, send)

    config = uvicorn.Config(
        noting, host="127.0.0.1", port=0, log_level="error", lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.get_running_loop().create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving
