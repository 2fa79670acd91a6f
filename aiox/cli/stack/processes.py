"""Child processes of the stack: started with a log file, watched, stopped in order, never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiox.cli.stack.trouble import CannotGoOn, PartDied

_POLL_S: Final = 0.03
_LAST_LINES: Final = 8
_LINE_CHARACTERS: Final = 400
_OUTPUT_BYTES: Final = 100_000

BARE_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
"""What stores and server see: nothing of the caller's environment, where keys may lie."""


@dataclass(frozen=True, slots=True)
class Program:
    """How one process is run.

    `prefix` is put before everything else (a user namespace, say). `death_signal` is sent by the kernel when `aiox up`
    itself is killed, so that nothing stays behind. Budgets in seconds.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: BARE_ENVIRONMENT, repr=False)
    prefix: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    ready_budget_s: float = 30.0
    stop_budget_s: float = 10.0


class Process:
    """One running process."""

    def __init__(self, program: Program, child: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        self.program = program
        self._child = child
        self._log = log
        self._log_start = log_start
        self._stopping = False

    @classmethod
    async def start(cls, program: Program, log: Path) -> Process:
        """Starts it in a session of its own, so that Ctrl-C reaches only `aiox up`. Raises CannotGoOn."""
        watch = ("setpriv", "--pdeathsig", program.death_signal.name.removeprefix("SIG"), "--")
        with log.open("ab") as file:
            start = file.tell()
            try:
                child = await asyncio.create_subprocess_exec(
                    *program.prefix,
                    *watch,
                    *program.command,
                    stdin=DEVNULL,
                    stdout=file,
                    stderr=STDOUT,
                    env=dict(program.environment),
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise CannotGoOn(f"{error.filename} is not installed. Mend: sh setup/debian.sh") from error
        return cls(program, child, log, start)

    @property
    def pid(self) -> int:
        """Process id; the same before and after the prefix, which only execs."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._child.returncode is None

    async def until_ready(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Asks `ready` until it says yes. Raises PartDied when the process ends, CannotGoOn when time is up."""
        try:
            async with asyncio.timeout(self.program.ready_budget_s):
                while not await ready():
                    if not self.running:
                        raise self._died()
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise CannotGoOn(
                f"{self.program.title} was not ready after {self.program.ready_budget_s:.0f} s."
                f" Its last words: {self.last_words()} Mend: see {self._log}"
            ) from None

    async def unless_it_dies(self, work: Awaitable[None]) -> None:
        """Does what needs the process. Raises PartDied as soon as that ends, however patient the work is."""
        try:
            async with asyncio.TaskGroup() as group:
                death = group.create_task(self.until_death())
                await work
                death.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def until_death(self) -> None:
        """Waits for the end. Raises PartDied unless the end was asked for."""
        await self._child.wait()
        if not self._stopping:
            raise self._died()

    async def stop(self) -> float:
        """Asks it to end and insists after its budget. Returns the seconds it took."""
        self._stopping = True
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self.running:
            self._child.send_signal(self.program.stop_signal)
            try:
                async with asyncio.timeout(self.program.stop_budget_s):
                    await self._child.wait()
            except TimeoutError:
                self._kill()
                await self._child.wait()
        self._kill()  # what it may have left in its session
        return loop.time() - began

    def output(self) -> str:
        """What it has written since it was started; the last 100,000 bytes at most."""
        with self._log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = self._log_start if self._log_start <= end else 0  # it was put aside meanwhile
            file.seek(max(start, end - _OUTPUT_BYTES))
            return file.read().decode(errors="replace")

    def last_words(self) -> str:
        """The last lines it wrote, on one line."""
        last = [line.strip()[:_LINE_CHARACTERS] for line in self.output().splitlines() if line.strip()][-_LAST_LINES:]
        if last and last[-1].startswith("aiox: "):  # one of our own services: it has said all in one line
            return last[-1].removeprefix("aiox: ")
        return " | ".join(last) or "(it wrote nothing)"

    def _died(self) -> PartDied:
        code = self._child.returncode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return PartDied(
            f"{self.program.title} ended ({how}). Its last words: {self.last_words()} Mend: see {self._log}", how
        )

    def _kill(self) -> None:
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # nothing was left


async def run(*command: str, environment: Mapping[str, str] = BARE_ENVIRONMENT, text: str = "") -> str:
    """Runs a command to its end with `text` on standard input; returns its output. Raises CannotGoOn on failure."""
    pipe = asyncio.subprocess.PIPE
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=STDOUT, env=dict(environment)
        )
    except FileNotFoundError as error:
        raise CannotGoOn(f"{error.filename} is not installed. Mend: sh setup/debian.sh") from error
    output = (await child.communicate(text.encode()))[0].decode(errors="replace")
    if child.returncode:
        words = " | ".join(line.strip() for line in output.splitlines()[-_LAST_LINES:])
        raise CannotGoOn(f"{Path(command[0]).name} failed with exit code {child.returncode}: {words}")
    return output


async def can_connect(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts on this port."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
