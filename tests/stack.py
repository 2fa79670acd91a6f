"""A throw-away hub: the code of `aiox up` in a home and on ports of its own, also while another hub is up."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from aiox.cli.chat.client import ChatClient
from aiox.cli.stack import ca, credentials
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.ports import PORT_STEP
from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.up import READY
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.commands import create_account, create_agent
from aiox.commands.agent_fields import GivenProfile
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import Passwords
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.settings import Ledger, Ports, Settings, Telemetry, environment
from tests.ports import candidate, is_free

_PROGRAMS = {"postgres": "postgres", "redis-server": "redis", "nats-server": "nats", "beam.smp": "ejabberd"}
INSTANCES = 10
"""So many of one service may run side by side."""
_PROMISED: deque[set[int]] = deque(maxlen=8)
"""Ports of further instances of the hubs that were laid out last: free, and nobody else's all the same."""
START_S = 180.0
STOP_S = 120.0


def free_ports() -> Ports:
    """Ports of loopback that nobody listens on now.

    Those of further instances are free as well.
    """
    ports: dict[str, int] = {}
    taken: set[int] = set()
    while len(ports) < len(Ports.model_fields):
        name = list(Ports.model_fields)[len(ports)]
        port = candidate()
        family = {port + PORT_STEP * instance for instance in range(INSTANCES)}
        if any(port in promised for promised in _PROMISED):
            continue
        if not family & taken and all(is_free(one) for one in family):
            ports[name] = port
            taken |= family
    _PROMISED.append(taken)
    return Ports(**ports)


def _children(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, its_parent = (process / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:  # it ended meanwhile
            continue
        if int(its_parent) == parent and state != "Z":
            found.append(int(process.name))
    return found


def _part_of(pid: int) -> str:
    """The part that a child of `aiox up` is; empty for its helpers, and before it has become what it will be."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return ""
    if "aiox.cli.main" in words and "run" in words:  # for a moment, a child looks as its parent does
        service, *more = words[words.index("run") + 1 : -1]
        return f"{service}-{more[1]}" if more else service
    return _PROGRAMS.get(Path(words[0]).name.split(" ")[0], "")


@dataclass(frozen=True)
class Account:
    """A person with an address on the hub."""

    actor: Actor
    jid: str
    password: str


class RunningHub:
    """A whole hub in a child process, and ways in for tests."""

    def __init__(self, home: Home, settings: Settings, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._extra = dict(extra or {})
        self.settings = settings
        self.process: Process | None = None

    async def start(self, *options: str) -> Process:
        """Starts `aiox up` and waits until it says that it is ready."""
        self.process = await Process.start(self._program(*options), self.home.log_file("test"))

        async def ready() -> bool:
            return READY in self.printed()

        await self.process.until_ready(ready)
        return self.process

    async def stop(self) -> None:
        """Stops it in order."""
        if self.process is not None:
            await self.process.stop()

    async def restart(self) -> None:
        """Stops all processes and starts them anew on the same home."""
        await self.stop()
        await self.start()

    def pids(self) -> dict[str, int]:
        """The process of each part that runs now: postgres, redis, nats, ejabberd, component, orchestrator-2..."""
        assert self.process is not None
        found = {_part_of(child): child for child in _children(self.process.pid)}
        found.pop("", None)
        return found

    def kill(self, part: str) -> int:
        """SIGKILL to the process of that part, as a crash would. Returns its process id."""
        pid = self.pids()[part]
        os.kill(pid, signal.SIGKILL)
        return pid

    def printed(self) -> str:
        """What the last `aiox up` has printed so far."""
        return "" if self.process is None else self.process.output()

    async def account(self, name: str = "", quota: Mapping[str, int] | None = None) -> Account:
        """A new account, made through the command; `quota` as in SPEC 6."""
        name = name or f"u{uuid4().hex[:10]}"
        password = secrets.token_urlsafe(15)
        fields = create_account.CreateAccount.model_validate(
            {"email": f"{name}@example.org", "password": password, "name": name, "quota": dict(quota or {})}
        )
        jid = BareJid(f"{name}@{self.settings.domain}")
        async with self.commands() as hub:
            accounts = ServerAccounts(self.home, self.settings)
            made = await create_account.run(hub, Actor(HUB_OWNER, jid), fields, accounts, Passwords())
        assert not isinstance(made, Refused), made
        return Account(Actor(made.owner, jid), jid, password)

    async def agent(self, owner: Account, **fields: object) -> create_agent.AgentCreated:
        """A new agent of this account, made through the command; fields of its profile may be given flat."""
        flat = {name: fields.pop(name) for name in GivenProfile.model_fields if name in fields}
        async with self.commands() as hub:
            asked = create_agent.CreateAgent.model_validate({"profile": {"name": "Ada", **flat}, **fields})
            made = await create_agent.run(hub, owner.actor, asked)
        assert not isinstance(made, Refused), made
        return made

    @asynccontextmanager
    async def commands(self) -> AsyncIterator[Hub]:
        """What aiox/commands need, as the gateway's role."""
        pool = await postgres.connect(self.settings, self.home.secrets("gateway"), "gateway")
        try:
            keys = LiveKeyRing.of(self.home.secrets("gateway"))
            yield Hub(pool, keys, SystemClock(), self.settings.domain)
        finally:
            await pool.close()

    def client(self, account: Account) -> ChatClient:
        """An XMPP client of this account; to be entered."""
        ca_file = self.home.secrets("xmpp").path("ca.crt")
        return ChatClient(account.jid, account.password, "127.0.0.1", self.settings.ports.xmpp_client, ca_file)

    def _program(self, *options: str) -> Program:
        return Program(
            name="test",
            title="aiox up",
            command=(sys.executable, "-m", "aiox.cli.main", "up", *(options or ("--no-demo",))),
            environment={**environment(self.home.root), **self._extra, "PYTHONUNBUFFERED": "1"},
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGTERM,
            ready_budget_s=START_S,
            stop_budget_s=STOP_S,
        )


@asynccontextmanager
async def throw_away() -> AsyncIterator[RunningHub]:
    """A hub that is not started yet; stopped and deleted in the end."""
    folder = Path(tempfile.mkdtemp(prefix="aiox-test-"))
    try:
        # Every agent is named in the metrics, whichever tests ran before: 5000 series are a hundred agents.
        telemetry = Telemetry(sample_rate=1.0, series=1_000_000)
        settings = Settings(home=folder, ports=free_ports(), telemetry=telemetry, ledger=Ledger(checkpoint_s=2))
        hub = RunningHub(prepare(settings), settings)
        try:
            yield hub
        finally:
            await hub.stop()
    finally:
        shutil.rmtree(folder)


def twin(settings: Settings, of: Home) -> Home:
    """A home of its own with the secrets of another one, as the containers of one store have."""
    home = prepare(settings)
    (home.root / "secrets").rmdir()
    (home.root / "secrets").symlink_to(of.root / "secrets")
    return home


async def cut_power(process: Process) -> None:
    """Ends a part for good, without a word to it; returns when nothing of it is left."""
    os.kill(process.pid, signal.SIGKILL)
    process._stopping = True
    await process.until_death()
    await process.stop()  # what it left in its session


@dataclass(frozen=True)
class Place:
    """A home with secrets, certificates and ports, in which single parts are started."""

    home: Home
    settings: Settings


def new_place(folder: Path) -> Place:
    """A place in `folder`, with nothing running."""
    settings = Settings(home=folder, ports=free_ports(), telemetry=Telemetry(sample_rate=1.0))
    home = prepare(settings)
    credentials.ensure(home)
    ca.ensure(home, settings.domain, SystemClock().now())
    return Place(home, settings)
