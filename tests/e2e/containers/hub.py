"""The hub of docker-compose.yml, built and up in containers, and the ways in that its operator has."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.light_client import Login
from bench.load.crowd import Member
from tests.architecture.house import TOP
from tests.e2e.containers.engine import PROJECT, Engine, prepare
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
UID: Final = 10001
IMAGE: Final = "aiox-hub:0.1.0"
START_S: Final = 600.0
MODEL_PORT: Final = 9000
PYTHON: Final = "/opt/aiox/.venv/bin/python"


@dataclass(frozen=True)
class Contained:
    """A hub in containers."""

    engine: Engine
    data: Path
    xmpp_port: int
    web_port: int

    @property
    def ca(self) -> Path:
        """Of the hub's certificates."""
        return self.data / "secrets" / "xmpp" / "ca.crt"

    async def operator(self, *words: str) -> str:
        """`docker compose run --rm operator WORDS`."""
        return await self.engine.compose("--profile", "operator", "run", "--rm", "-T", "operator", *words)

    async def members(self, count: int) -> list[Member]:
        """People with an agent each and roomy quotas, made by a program on the private network."""
        mounts = ("-v", f"{self.data}:/var/lib/aiox", "-v", f"{TOP / 'bench'}:/opt/aiox/bench:ro")
        hosts = {"POSTGRES": "postgres", "XMPP": "ejabberd", "NATS": "nats", "REDIS": "redis"}
        told = [word for name, host in hosts.items() for word in ("-e", f"AIOX_HOSTS__{name}={host}")]
        words = ("run", "--rm", f"--network={PROJECT}_inside", *mounts, *told, "--entrypoint", PYTHON, IMAGE)
        said = await self.engine.podman(*words, "-c", MAKE, str(count), "1", "load")
        made = json.loads(said.splitlines()[-1])
        return [
            Member(Login(one["login"]["jid"], one["login"]["password"], self.xmpp_port, self.ca), one["agents"])
            for one in made
        ]


@asynccontextmanager
async def contained(folder: Path) -> AsyncIterator[Contained]:
    """Builds what is not built, brings all up in the order of its needs; takes all down in the end."""
    ports, data = free_ports(), folder / "var"
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
    engine = prepare(folder, variables)
    hub = Contained(engine, data, ports.xmpp_client, ports.gateway)
    await engine.compose("--profile", "core", "build", "postgres", "web")
    await _take_down(hub)
    _fresh(data)
    try:
        await engine.compose("--profile", "operator", "run", "--rm", "-T", "prepare")
        await _bring_up(hub)
        yield hub
    finally:
        await _take_down(hub)
        shutil.rmtree(data, ignore_errors=True)


async def _bring_up(hub: Contained) -> None:
    for stage in STAGES:
        await hub.engine.compose("--profile", "core", "up", "-d", "--no-build", *stage)
        await hub.engine.whole(stage, START_S)
        if stage == STAGES[0]:
            await _start_model(hub.engine)


async def _start_model(engine: Engine) -> None:
    """A model that echoes, where a provider would be."""
    words = ("run", "-d", "--name", f"{PROJECT}_model", f"--network={PROJECT}_inside:alias=model")
    bench = ("-v", f"{TOP / 'bench'}:/opt/aiox/bench:ro", "--entrypoint", PYTHON, IMAGE)
    listen = ("--host", "0.0.0.0", "--port", str(MODEL_PORT))  # noqa: S104 -- a container's own
    await engine.podman(*words, *bench, "-m", "bench.stub_model", *listen)


async def _take_down(hub: Contained) -> None:
    await hub.engine.podman("rm", "--force", "--ignore", f"{PROJECT}_model")
    await hub.engine.compose("--profile", "core", "--profile", "operator", "down", "--volumes")


def _fresh(data: Path) -> None:
    """`install -d -m 0700 -o 10001 -g 10001 var`."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    os.chown(data, UID, UID)


def capable(needed: Sequence[str]) -> str:
    """Why containers cannot be tried on this machine; empty when they can."""
    missing = [name for name in needed if shutil.which(name) is None]
    if os.geteuid() != 0:
        return "podman with a network of its own needs root here"
    return f"not installed: {' '.join(missing)} (docs/containers.md)" if missing else ""
