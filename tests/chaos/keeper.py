"""A whole hub whose parts this process starts, kills and starts again, one at a time.

`aiox up` does the same for a person; here a test needs the process ids, and one part started differently from the rest.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast
from unittest.mock import patch

import aiohttp

from aiox.cli.stack import ca, credentials, ejabberd, nats, postgres, redis, services
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.parts import STOP_ORDER
from aiox.cli.stack.processes import Process
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Limits, Model, Service, Settings, Telemetry
from tests.stack import free_ports

PARTS: Final = ("component", "orchestrator", "ai_worker", "nats", "redis", "postgres", "ejabberd")
NO_LIMIT: Final = 10**6
RESTART_S: Final = 60.0
_PAUSE_S: Final = 0.2
_PROBE: Final = aiohttp.ClientTimeout(total=2)

Start = Callable[[], Awaitable[Process]]


class Keeper:
    """The parts of one hub. A part that ends is started again at once, and how often is counted."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self.home = home
        self.settings = settings
        self.surprises: list[str] = []
        """Parts that ended although nobody had killed them, with what they said last."""
        self.environment: dict[str, str] = {}
        """What every part started from now on sees beside the settings."""
        self._telling = asyncio.Lock()
        self._processes: dict[str, Process] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._whole: dict[str, asyncio.Event] = {part: asyncio.Event() for part in PARTS}
        self._killed: set[str] = set()
        self._starts: dict[str, Start] = {}
        self._haunted: dict[str, Mapping[str, str]] = {}
        self._runs_with: dict[str, Mapping[str, str]] = {}
        self._next: dict[str, Mapping[str, str]] = {}

    async def start(self, parts: Iterable[str] = PARTS) -> None:
        """Starts everything and waits until it is ready."""
        wanted = set(parts)
        for stage in (("postgres", "redis", "nats"), ("ejabberd",), ("orchestrator", "ai_worker", "component")):
            await asyncio.gather(*(self.run(part) for part in stage if part in wanted))
            if "postgres" in stage:
                await postgres.migrate(self.home, self.settings.ports.postgres)

    async def run(self, part: str, start: Start | None = None, /, **environment: str) -> None:
        """Starts one part, this once with `start` and more environment; later restarts are plain again."""
        told = {**self.environment, **self._haunted.get(part, {}), **environment}
        # One after the other: of two at once each would put back what the other had set.
        async with self._telling:
            with patch.dict(os.environ, told):
                starting = asyncio.ensure_future((start or self._starts.get(part) or self._start_of(part))())
                await asyncio.sleep(0)  # the environment is read in the first step
        process = await starting
        self._processes[part], self._runs_with[part] = process, environment
        self._whole[part].set()
        self._watches[part] = asyncio.create_task(self._watch(part, process), name=f"watch {part}")

    async def replace(self, part: str, start: Start | None = None, /, **environment: str) -> None:
        """Stops a part in order and starts it as `run` does."""
        self._watches.pop(part).cancel()
        self._whole[part].clear()
        await self._processes[part].stop()
        await self.run(part, start, **environment)

    async def arm(self, part: str, environment: Mapping[str, str]) -> None:
        """Has a part run with this environment: it is started anew, unless it was started so already."""
        if self._runs_with.get(part) != environment:
            await self.replace(part, **environment)

    def then(self, part: str, environment: Mapping[str, str]) -> None:
        """When this part has ended, it is started with this environment, once."""
        self._next[part] = environment

    def always(self, part: str, start: Start) -> None:
        """How this part is started from now on."""
        self._starts[part] = start

    def haunt(self, part: str, environment: Mapping[str, str]) -> None:
        """From now on this part is always started with this environment, and its deaths are wanted."""
        self._haunted[part] = environment

    def pid(self, part: str) -> int:
        """The process that runs a part now."""
        return self._processes[part].pid

    def signal(self, part: str, number: signal.Signals) -> None:
        """Sends a signal to a part's process alone."""
        os.kill(self.pid(part), number)

    def kill(self, part: str) -> None:
        """SIGKILL, as a power cut would. The part is started again."""
        self._killed.add(part)
        self._whole[part].clear()
        self.signal(part, signal.SIGKILL)

    def expect_death(self, part: str) -> None:
        """The next end of this part is wanted: it has a crash point."""
        self._killed.add(part)

    async def whole(self) -> None:
        """Waits until all parts run and are ready. Raises TimeoutError."""
        async with asyncio.timeout(RESTART_S):
            for part in list(self._processes):
                await self._whole[part].wait()

    async def until_dead(self, part: str, seconds: float) -> bool:
        """Waits until the part's present process has ended; False when it lives on."""
        process = self._processes[part]
        until = asyncio.get_running_loop().time() + seconds
        while process.running and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
        if process.running:
            return False
        if self._processes[part] is process:  # its watch has not seen it yet: the hub is not whole all the same
            self._whole[part].clear()
        return True

    async def stop(self) -> None:
        """Stops everything in order."""
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)
        for stage in STOP_ORDER:
            leaving = [self._processes.pop(part) for part in sorted(stage) if part in self._processes]
            await asyncio.gather(*(process.stop() for process in leaving))

    async def _watch(self, part: str, process: Process) -> None:
        try:
            await process.until_death()
        except CannotGoOn as died:
            self._whole[part].clear()
            if part not in self._killed and part not in self._haunted:
                self.surprises.append(str(died))
            self._killed.discard(part)
        await process.stop()  # what it left behind in its session
        while True:
            try:
                await self.run(part, **self._next.get(part, {}))
            except CannotGoOn as refused:  # a store may still let go of its files
                if part == "postgres":
                    await asyncio.sleep(_PAUSE_S)
                    continue
                self.surprises.append(f"{part} did not start again: {refused}")
                await asyncio.sleep(_PAUSE_S)
            else:
                self._next.pop(part, None)
                return

    def _start_of(self, part: str) -> Start:
        home, settings = self.home, self.settings
        stores: Mapping[str, Start] = {
            "postgres": lambda: postgres.start(home, settings.ports.postgres),
            "redis": lambda: redis.start(home, settings.ports.redis),
            "nats": lambda: nats.start(home, settings),
            "ejabberd": lambda: ejabberd.start(home, settings),
        }
        return stores.get(part, lambda: services.start(home, settings, cast(Service, part)))


async def answers_ready(port: int) -> bool:
    """Whether the service behind this health port says that it is ready."""
    try:
        async with aiohttp.request("GET", f"http://127.0.0.1:{port}/readyz", timeout=_PROBE) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


@asynccontextmanager
async def kept_hub(
    model_url: str, begin: Callable[[Keeper], Awaitable[None]] = Keeper.start, **limits: int
) -> AsyncIterator[Keeper]:
    """A hub that asks the model at `model_url`, started by `begin`; stopped and deleted in the end."""
    folder = Path(tempfile.mkdtemp(prefix="aiox-chaos-"))
    settings = Settings(
        home=folder,
        ports=free_ports(),
        limits=Limits(messages_per_minute=NO_LIMIT, message_burst=NO_LIMIT, **limits),
        model=Model(provider="openai", name="stub", api_base=model_url),
        telemetry=Telemetry(sample_rate=0),
    )
    home = prepare(settings)
    credentials.ensure(home)
    ca.ensure(home, settings.domain, SystemClock().now())
    keeper = Keeper(home, settings)
    try:
        try:
            await begin(keeper)
            yield keeper
        finally:
            await keeper.stop()
    finally:
        shutil.rmtree(folder)
