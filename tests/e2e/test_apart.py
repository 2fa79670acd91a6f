"""Every part by itself, as in containers: `aiox run PART`, a home and secrets of its own, the others at other hosts."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from aiox.cli.stack.alone import READY
from aiox.cli.stack.containers import READS, lay_out
from aiox.cli.stack.home import Home, prepare, private_folder
from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.commands import create_account, create_agent
from aiox.commands.agent_fields import GivenProfile
from aiox.commands.hub import Actor
from aiox.commands.passwords import Passwords
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Hosts, Settings, environment
from setup.ready import ready
from tests.e2e.people import answer_to, online
from tests.stack import Account, RunningHub, free_ports

STAGES: Final = (("postgres", "redis", "nats"), ("ejabberd",), ("ai_worker", "orchestrator", "gateway", "component"))
SHARED: Final = {"schema": tuple(READS), "objects": ("gateway", "orchestrator")}
"""Folders that are volumes of several containers."""
START_S: Final = 180.0


@dataclass(frozen=True)
class Apart:
    """Parts that run, and the hub as its operator sees it."""

    hub: RunningHub
    parts: dict[str, Process]


def homes(base: Path, operator: Home) -> Mapping[str, Path]:
    """A home for each part: its own secrets by a link, as a container's mount, and its share of volumes."""
    made = {}
    for part in READS:
        made[part] = private_folder(base / part)
        (made[part] / "secrets").symlink_to(operator.root / "parts" / part)
        for volume, users in SHARED.items():
            if part in users:
                (made[part] / volume).symlink_to(private_folder(operator.root / volume))
    return made


def variables(settings: Settings, part: str) -> dict[str, str]:
    """What docker-compose.yml says in `environment`."""
    hosts = {"POSTGRES": "127.0.0.11", "REDIS": "127.0.0.12", "NATS": "127.0.0.13", "XMPP": "localhost"}
    own = {"postgres": "POSTGRES", "ejabberd": "XMPP"}.get(part)
    if own:
        hosts[own] = "127.0.0.1"
    hosts |= {"LISTEN": "0.0.0.0", "WORKER": "127.0.0.14"}  # noqa: S104 -- a container's own
    ports = {f"AIOX_PORTS__{name.upper()}": str(port) for name, port in settings.ports.model_dump().items()}
    return {**{f"AIOX_HOSTS__{name}": host for name, host in hosts.items()}, **ports, "PYTHONUNBUFFERED": "1"}


def started(settings: Settings, home: Path, part: str) -> Program:
    return Program(
        name=part,
        title=part,
        command=(sys.executable, "-m", "aiox.cli.main", "run", part),
        environment={**environment(home), **variables(settings, part)},
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
        ready_budget_s=START_S,
        stop_budget_s=40,
    )


@pytest.fixture(scope="module")
async def apart(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Apart]:
    base = tmp_path_factory.mktemp("apart")
    settings = Settings(home=base / "operator", ports=free_ports(), hosts=Hosts(xmpp="localhost"))
    operator = prepare(settings)
    lay_out(operator, settings, SystemClock().now())
    own, running = homes(base, operator), dict[str, Process]()
    ports = {
        "component": settings.ports.component_health,
        "gateway": settings.ports.gateway,
        "orchestrator": settings.ports.orchestrator_health,
        "ai_worker": settings.ports.ai_worker_health,
    }
    async with AsyncExitStack() as opened:
        for stage in STAGES:
            for part in stage:
                running[part] = await Process.start(started(settings, own[part], part), base / f"{part}.log")
                opened.push_async_callback(running[part].stop)
            for part in stage:

                async def answers(part: str = part) -> bool:
                    if part in ports:
                        return await asyncio.to_thread(ready, ports[part])
                    return (own[part] / "logs" / READY).exists()

                await running[part].until_ready(answers)
        yield Apart(RunningHub(operator, settings), running)


async def account(hub: RunningHub) -> Account:
    fields = create_account.CreateAccount.model_validate(
        {"email": "ada@example.org", "password": "correct horse battery", "name": "ada", "quota": {}}
    )
    jid = BareJid("ada@localhost")
    async with hub.commands() as desk:
        accounts = ServerAccounts(hub.home, hub.settings)
        made = await create_account.run(desk, Actor(HUB_OWNER, jid), fields, accounts, Passwords())
    assert not isinstance(made, Refused), made
    return Account(Actor(made.owner, jid), jid, "correct horse battery")


async def agent_of(hub: RunningHub, owner: Account) -> str:
    async with hub.commands() as desk:
        asked = create_agent.CreateAgent.model_validate({"profile": GivenProfile(name="Ada").model_dump()})
        made = await create_agent.run(desk, owner.actor, asked)
    assert not isinstance(made, Refused), made
    return str(made.jid)


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_parts_that_share_nothing_but_a_network_are_a_hub(apart: Apart) -> None:
    person = await account(apart.hub)
    agent = await agent_of(apart.hub, person)
    async with online(apart.hub, person) as talk:
        assert "offline responder" in await answer_to(talk, agent, "Is anybody in there?")
    assert all(process.running for process in apart.parts.values())
