"""A throw-away hub for measuring: every real part, in a temporary home on free ports, with a stub where the model is.

The same server carries the peer: ejabberd gets one more component domain, `echo.localhost`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from aiox.cli.stack import ca, credentials, ejabberd, nats, postgres, redis, services
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.processes import Process
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Limits, Model, Ports, Settings, Telemetry

ECHO_DOMAIN: Final = "echo.localhost"
NO_LIMIT: Final = 10**6
"""Messages a minute: the doors' limits are not what is measured."""
START_S: Final = 120.0
"""How long a helper may take to print its first line."""
SERVICES: Final = ("ai_worker", "orchestrator", "component")


@dataclass(frozen=True, slots=True)
class Bench:
    """What a scenario needs of the running hub."""

    home: Home
    settings: Settings
    echo_port: int
    echo_secret: str
    unshaped_port: int
    """For clients of a peer: the hub's own port holds each to a rate."""
    pids: dict[str, int] = field(default_factory=dict)
    """Of stores, server and services, by name."""

    @property
    def ca_file(self) -> Path:
        """The hub's CA, for clients."""
        return self.home.secrets("stack").path("ca.crt")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@asynccontextmanager
async def hub(model_url: str, **limits: int) -> AsyncIterator[Bench]:
    """A hub that asks the model at `model_url`; `limits` as in the settings. Raises CannotGoOn."""
    *numbers, echo_port, unshaped_port = free_ports(len(Ports.model_fields) + 2)
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(tempfile.TemporaryDirectory(prefix="aiox-bench-"))
        settings = Settings(
            home=Path(folder) / "home",
            ports=Ports(**dict(zip(Ports.model_fields, numbers, strict=True))),
            limits=Limits(messages_per_minute=NO_LIMIT, message_burst=NO_LIMIT, **limits),
            model=Model(provider="openai", name="stub", api_base=model_url),
            telemetry=Telemetry(sample_rate=0, log_level="WARNING"),
        )
        home = prepare(settings)
        credentials.ensure(home)
        ca.ensure(home, settings.domain, SystemClock().now())
        bench = Bench(home, settings, echo_port, secrets.token_hex(16), unshaped_port)
        (home.root / ejabberd.EXTRA).write_text(_listeners(bench))
        await _start_stores(parts, bench)
        for service in SERVICES:
            process = await services.start(home, settings, service)
            parts.push_async_callback(process.stop)
            bench.pids[service] = process.pid
        yield bench


def _listeners(bench: Bench) -> str:
    return f"""listen:
  - port: {bench.echo_port}
    ip: "127.0.0.1"
    module: ejabberd_service
    max_fsm_queue: 50000
    hosts:
      {ECHO_DOMAIN}:
        password: "{bench.echo_secret}"
  - port: {bench.unshaped_port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls_required: true
    access: c2s
"""


async def _start_stores(parts: AsyncExitStack, bench: Bench) -> None:
    home, settings = bench.home, bench.settings
    starts: tuple[Callable[[], Awaitable[Process]], ...] = (
        lambda: postgres.start(home, settings.ports.postgres),
        lambda: redis.start(home, settings.ports.redis),
        lambda: nats.start(home, settings),
        lambda: ejabberd.start(home, settings),
    )
    for start in starts:
        process = await start()
        parts.push_async_callback(process.stop)
        bench.pids[process.program.name] = process.pid
    await postgres.migrate(home, settings.ports.postgres)


@dataclass(frozen=True, slots=True)
class Started:
    """A helper process, and what it printed first."""

    pid: int
    first_line: str


@asynccontextmanager
async def started(*command: str | Path, text: str = "") -> AsyncIterator[Started]:
    """A helper process that has printed a line; `text` is its standard input. Ends with the block.

    Raises TimeoutError when it prints nothing within START_S.
    """
    pipe = asyncio.subprocess.PIPE
    async with running(*command, stdin=pipe, stdout=pipe) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(text.encode())
        process.stdin.close()
        async with asyncio.timeout(START_S):
            first = (await process.stdout.readline()).decode().strip()
        yield Started(process.pid, first)


@asynccontextmanager
async def child(*command: str | Path, first_line_to: list[str], text: str = "") -> AsyncIterator[None]:
    """As `started`; what it prints first is appended to `first_line_to`."""
    async with started(*command, text=text) as helper:
        first_line_to.append(helper.first_line)
        yield


@asynccontextmanager
async def running(
    *command: str | Path,
    stdin: int | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process until the block ends; it is told to end then, and waited for."""
    process = await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
