"""podman and podman-compose as a test uses them: a storage of its own, stand-in base images, one project."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import subprocess
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.architecture.house import TOP

PROJECT: Final = "aioxtried"
COMPOSE: Final = "podman-compose==1.6.0"
"""From PyPI: Debian 12's own, 1.0.3, knows neither profiles nor subnets nor several networks with names."""
NEEDED: Final = ("podman", "runc", "debootstrap", "iptables")
FOLDER: Final = Path(os.environ.get("CONTAINERS_FOLDER", "/var/tmp/aiox-containers"))
"""Images are kept here from run to run; delete it to begin anew."""


class EngineFailed(Exception):
    """A command did not succeed; the message has its last lines."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container that runs or ran."""

    name: str
    service: str
    pid: int
    """On this machine; 0 when it does not run."""


@dataclass(frozen=True)
class Engine:
    """The engine on its own storage; `environment` has the variables of docker-compose.yml too."""

    folder: Path
    environment: Mapping[str, str]

    async def podman(self, *words: str) -> str:
        """What it prints. Raises EngineFailed."""
        return await self.run("podman", *words)

    async def compose(self, *words: str) -> str:
        """podman-compose on this tree's file. Raises EngineFailed."""
        tool = str(self.folder / "compose" / "bin" / "podman-compose")
        file = str(TOP / "docker-compose.yml")
        return await self.run(
            tool, "-f", file, "-p", PROJECT, "--podman-build-args=--network=host --format=docker", *words
        )

    async def run(self, *command: str) -> str:
        """Any command with this engine's environment. Raises EngineFailed."""
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=dict(self.environment), cwd=TOP
        )
        out, errors = await child.communicate()
        if child.returncode:
            last = (out + errors).decode(errors="replace").splitlines()[-15:]
            raise EngineFailed(f"{shlex.join(command[:8])}... exit status {child.returncode}:\n" + "\n".join(last))
        return out.decode(errors="replace")

    async def containers(self, service: str = "") -> list[Container]:
        """Those of the project, or of one service, by name."""
        label = f"io.podman.compose.project={PROJECT}"
        listed = json.loads(await self.podman("ps", "--all", "--format", "json", "--filter", f"label={label}") or "[]")
        found = [Container(one["Names"][0], one["Labels"]["com.docker.compose.service"], one["Pid"]) for one in listed]
        return sorted((one for one in found if service in ("", one.service)), key=lambda one: one.name)

    async def inspect(self, container: Container) -> dict[str, Any]:
        """All that the engine knows of it."""
        found: list[dict[str, Any]] = json.loads(await self.podman("inspect", container.name))
        return found[0]

    async def healthy(self, container: Container) -> bool:
        """Runs the container's own health check now: without systemd nobody else does."""
        try:
            await self.podman("healthcheck", "run", container.name)
        except EngineFailed:
            return False
        return True

    async def whole(self, services: Sequence[str], seconds: float) -> float:
        """Waits until all containers of these services are healthy; returns the seconds. Raises TimeoutError."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(seconds):
            for service in services:
                while not all([await self.healthy(one) for one in await self.containers(service)]):
                    await asyncio.sleep(1)
        return asyncio.get_running_loop().time() - began

    async def kill(self, container: Container) -> None:
        """Ends its first process as a crash would: from outside, unknown to the engine."""
        os.kill((await self.named(container.name)).pid, signal.SIGKILL)

    async def named(self, name: str) -> Container:
        """It as it is now."""
        return next(one for one in await self.containers() if one.name == name)


def prepare(folder: Path, variables: Mapping[str, str]) -> Engine:
    """The engine with its base images and podman-compose, made when they are missing. Raises CalledProcessError."""
    subprocess.run(["sh", "setup/stand_in.sh", str(folder)], cwd=TOP, check=True)
    tool = folder / "compose"
    if not (tool / "bin" / "podman-compose").exists():
        venv.create(tool, with_pip=True)
        subprocess.run([tool / "bin" / "pip", "install", "--quiet", COMPOSE], check=True)
    own = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "TMPDIR": str(folder),
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return Engine(folder, {**kept, **own, **variables})
