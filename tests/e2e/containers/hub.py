"""The hub of docker-compose.yml, built and up in containers, and the ways in that its operator has."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final
from uuid import uuid4

from bench.light_client import Login
from bench.load.crowd import Crowd, Member
from tests.architecture.house import TOP
from tests.e2e.containers.engine import NEEDED, PROJECT, Engine, prepare
from tests.e2e.older import MAKE
from tests.stack import free_ports

REPLICAS: Final = {
    **dict.fromkeys(("postgres", "redis", "nats", "ejabberd", "web"), 1),
    **dict.fromkeys(("orchestrator", "gateway", "ai-worker"), 3),
    "component": 2,
}
STAGES: Final = (
    ("postgres", "redis", "nats"),
    ("ejabberd",),
    ("ai-worker", "orchestrator", "gateway", "component", "web"),
)
CLUSTERED: Final = (
    ("postgres", "redis", "nats", "nats-2", "nats-3"),
    ("postgres-2", "redis-2", "redis-3"),
    ("sentinel-1", "sentinel-2", "sentinel-3", "ejabberd"),
    ("ejabberd-2", "ejabberd-3"),
    ("ai-worker", "orchestrator", "gateway", "component", "web", "web-2"),
)
"""With the profile cluster; a node of a store follows one that is there."""
UID: Final = 10001
IMAGE: Final = "aiox-hub:0.1.0"
START_S: Final = 600.0
MODEL_PORT: Final = 9000
PEOPLE: Final = 6
BACK_S: Final = 300.0
"""How long a killed part may take to be whole again, and a message to be answered. Measured and noted; not judged."""
PYTHON: Final = "/opt/aiox/.venv/bin/python"


@dataclass(frozen=True)
class Contained:
    """A hub in containers."""

    engine: Engine
    data: Path
    xmpp_port: int
    web_port: int
    more_ports: tuple[int, ...] = ()
    """Of the other XMPP servers, then of the other proxy."""
    profiles: tuple[str, ...] = ("--profile", "core")

    @property
    def ca(self) -> Path:
        """Of the hub's certificates."""
        return self.data / "secrets" / "xmpp" / "ca.crt"

    async def operator(self, *words: str) -> str:
        """`docker compose run --rm operator WORDS`."""
        return await self.engine.compose("--profile", "operator", "run", "--rm", "-T", "operator", *words)

    async def members(self, count: int) -> list[Member]:
        """People with an agent each and roomy quotas, made by a program on the private network.

        One after the other is at another XMPP server.
        """
        mounts = ("-v", f"{self.data}:/var/lib/aiox", "-v", f"{TOP / 'bench'}:/opt/aiox/bench:ro")
        hosts = {"POSTGRES": "postgres", "XMPP": "ejabberd", "NATS": "nats", "REDIS": "redis"}
        told = [word for name, host in hosts.items() for word in ("-e", f"AIOX_HOSTS__{name}={host}")]
        words = ("run", "--rm", f"--network={PROJECT}_inside", *mounts, *told, "--entrypoint", PYTHON, IMAGE)
        said = await self.engine.podman(*words, "-c", MAKE, str(count), "1", "load")
        made = json.loads(said.splitlines()[-1])
        ports = (self.xmpp_port, *self.more_ports[:-1])
        return [
            Member(Login(one["login"]["jid"], one["login"]["password"], port, self.ca), one["agents"])
            for one, port in zip(made, cycle(ports), strict=False)
        ]


@asynccontextmanager
async def contained(folder: Path, *, clustered: bool = False) -> AsyncIterator[Contained]:
    """Builds what is not built, brings all up in the order of its needs; takes all down in the end.

    On a machine that cannot, this fails: a round that was left out would stand among the proofs as passed.
    """
    assert not (wrong := unable(NEEDED)), wrong
    ports, data = free_ports(), folder / "var"
    more = (ports.xmpp_http, ports.xmpp_component, ports.redis) if clustered else ()
    variables = {
        "AIOX_DATA": str(data),
        "AIOX_WEB_TLS": str(data / "parts" / "web" / "xmpp"),
        "AIOX_XMPP_PORT": f"127.0.0.1:{ports.xmpp_client}",
        "AIOX_WEB_PORT": f"127.0.0.1:{ports.gateway}",
        "AIOX_MODEL_PROVIDER": "openai",
        "AIOX_MODEL_NAME": "stub",
        "AIOX_MODEL_API_BASE": f"http://model:{MODEL_PORT}/v1",
        "AIOX_MODEL_API_KEY": "sk-stub",
    }
    if clustered:
        named = ("AIOX_XMPP_PORT_2", "AIOX_XMPP_PORT_3", "AIOX_WEB_PORT_2")
        variables |= {name: f"127.0.0.1:{port}" for name, port in zip(named, more, strict=True)}
        variables |= told_of_one_another()
    engine = prepare(folder, variables)
    profiles = ("--profile", "core", *(("--profile", "cluster") if clustered else ()))
    hub = Contained(engine, data, ports.xmpp_client, ports.gateway, more, profiles)
    await engine.compose("--profile", "core", "build", "postgres", "web")
    await _take_down(hub)
    _fresh(data)
    try:
        await engine.compose("--profile", "operator", "run", "--rm", "-T", "prepare")
        await _bring_up(hub, CLUSTERED if clustered else STAGES)
        yield hub
    finally:
        await _take_down(hub)
        shutil.rmtree(data, ignore_errors=True)


def told_of_one_another() -> dict[str, str]:
    """`--env-file docker/cluster.env`."""
    lines = (TOP / "docker/cluster.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


async def _bring_up(hub: Contained, stages: Sequence[Sequence[str]]) -> None:
    for number, stage in enumerate(stages):
        await hub.engine.compose(*hub.profiles, "up", "-d", "--no-build", "--no-deps", *stage)
        await hub.engine.whole(stage, START_S)
        if number == 0:
            await _start_model(hub.engine)


async def _start_model(engine: Engine) -> None:
    """A model that echoes, where a provider would be."""
    words = ("run", "-d", "--name", f"{PROJECT}_model", f"--network={PROJECT}_inside:alias=model")
    bench = ("-v", f"{TOP / 'bench'}:/opt/aiox/bench:ro", "--entrypoint", PYTHON, IMAGE)
    listen = ("--host", "0.0.0.0", "--port", str(MODEL_PORT))  # noqa: S104 -- a container's own
    await engine.podman(*words, *bench, "-m", "bench.stub_model", *listen)


async def _take_down(hub: Contained) -> None:
    await hub.engine.podman("rm", "--force", "--ignore", f"{PROJECT}_model")
    await hub.engine.compose("--profile", "core", "--profile", "cluster", "--profile", "operator", "down", "--volumes")


def _fresh(data: Path) -> None:
    """`install -d -m 0700 -o 10001 -g 10001 var`."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    os.chown(data, UID, UID)


def unable(needed: Sequence[str]) -> str:
    """Why containers cannot be tried on this machine; empty when they can."""
    missing = [name for name in needed if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "podman with a network of its own needs root here"
    return f"not installed: {' '.join(missing)} (docs/containers.md)" if missing else ""


async def ask_all(together: Crowd) -> list[str]:
    """One message of each; returns their ids."""
    asked = []
    for person, member in zip(together.people, together.members, strict=True):
        message_id = str(uuid4())
        person.say(message_id, member.agents[0], f"[{message_id}] are you there?", person.now())
        asked.append(message_id)
    return asked
