"""A hub whose services run the code of another tree: an older version, or one with a revision more."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from aiox.cli.stack import services
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.processes import Process, Program, run
from aiox.runtime.settings import Ports, Service
from bench.light_client import Login
from bench.people import Person
from registry.migrate import newest_revision
from tests.architecture.house import TOP
from tests.chaos.keeper import Keeper, answers_ready

ROOMS: Final = ("aiox", "policy", "registry", "component", "gateway", "orchestrator", "ai_worker", "ejabberd")
NEXT: Final = '''"""What a next version may bring: a column and a table that the version before knows nothing of."""

from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("ALTER TABLE aiox.executions ADD COLUMN of_the_next_version text NOT NULL DEFAULT 'unknown'")
    op.execute("CREATE TABLE aiox.of_the_next_version (id uuid PRIMARY KEY)")
'''
MAKE: Final = """
import asyncio, dataclasses, json, sys
from aiox.cli.stack.home import Home
from aiox.runtime.settings import load_settings
from bench.people import people

settings = load_settings()
made = asyncio.run(people(Home(settings.home), settings, int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
print(json.dumps([dataclasses.asdict(one) for one in made], default=str))
"""
"""Accounts and agents by a tree's own commands: this tree's may write columns that the older schema lacks."""
KNOWN: Final = "from aiox.runtime.settings import Ports; print(*Ports.model_fields)"


def tree_of(commit: str, folder: Path) -> Path:
    """A commit's files. Raises CalledProcessError in a clone that does not hold it."""
    folder.mkdir()
    packed = subprocess.run(["git", "-C", str(TOP), "archive", commit], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed, check=True)
    return folder


def next_version(folder: Path) -> Path:
    """This tree with one more revision."""
    for room in ROOMS:
        shutil.copytree(TOP / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    revision = folder / "registry" / "migrations" / "versions" / "9999_next.py"
    revision.write_text(NEXT.format(before=newest_revision()))
    return folder


def started_in(keeper: Keeper, tree: Path, service: Service, instance: int = 1) -> Callable[[], Awaitable[Process]]:
    """Starts a service of the kept hub with the code of another tree."""
    name = service if instance == 1 else f"{service}-{instance}"

    async def start() -> Process:
        number = () if instance == 1 else ("--instance", str(instance))
        program = Program(
            name=name,
            title=services.TITLES[service],
            command=("env", "-C", str(tree), sys.executable, "-m", "aiox.cli.main", "run", service, *number),
            environment=services._environment(keeper.home, keeper.settings, service),
            stop_signal=signal.SIGTERM,
            ready_budget_s=90,
            stop_budget_s=services.STOP_BUDGET_S,
        )
        process = await Process.start(program, keeper.home.log_file(name))
        port = services.health_port(ports_of(service, keeper.settings.ports, instance), service)

        async def ready() -> bool:
            return await answers_ready(port)

        await process.until_ready(ready)
        return process

    return start


async def migrated(keeper: Keeper, tree: Path) -> str:
    """`aiox migrate` by another tree's code."""
    return await python_in(keeper, tree, "-m", "aiox.cli.main", "migrate")


async def people_of(keeper: Keeper, tree: Path, count: int, agents: int, name: str) -> list[Person]:
    """People with so many agents each, made by another tree's code."""
    said = await python_in(keeper, tree, "-c", MAKE, str(count), str(agents), name)
    return [
        Person(Login(**{**one["login"], "ca": Path(one["login"]["ca"])}), one["agents"], UUID(one["owner"]))
        for one in json.loads(said.splitlines()[-1])
    ]


async def python_in(keeper: Keeper, tree: Path, *arguments: str) -> str:
    """This Python on another tree's code, for the kept hub. Raises CannotGoOn."""
    environment = {**os.environ, "AIOX_HOME": str(keeper.home.root)}
    return await run("env", "-C", str(tree), sys.executable, *arguments, environment=environment)


def begun_in(tree: Path) -> Callable[[Keeper], Awaitable[None]]:
    """Starts a kept hub whose schema and services are of another tree; the stores and the server are this one's."""

    async def begin(keeper: Keeper) -> None:
        await _as_then(keeper, tree)
        for store in ("postgres", "redis", "nats"):
            await keeper.run(store)
        await migrated(keeper, tree)
        await keeper.run("ejabberd")
        services_then: tuple[Service, ...] = ("orchestrator", "ai_worker", "component")
        # All at once: an orchestrator is ready when it has heard of a worker.
        await asyncio.gather(*(keeper.run(one, started_in(keeper, tree, one)) for one in services_then))

    return begin


async def _as_then(keeper: Keeper, tree: Path) -> None:
    """Leaves out of hub.toml the ports that the older version does not know: it would not have written them."""
    known = (await python_in(keeper, tree, "-c", KNOWN)).split()
    unknown = [name for name in Ports.model_fields if name not in known]
    file = keeper.home.settings_file
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if line.split(" = ")[0] not in unknown) + "\n")
