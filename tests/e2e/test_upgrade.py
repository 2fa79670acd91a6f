"""A hub is brought to a newer version while people talk (docs/upgrading.md): nothing lost, nothing answered twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from aiox.cli.stack import services
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.processes import Process, Program, run
from aiox.runtime.settings import Service
from registry.migrate import newest_revision
from setup.prove import note
from tests.architecture.house import TOP
from tests.chaos.checker import summary
from tests.chaos.keeper import Keeper, answers_ready
from tests.chaos.traffic import traffic

ROOMS: Final = ("aiox", "policy", "registry", "component", "gateway", "orchestrator", "ai_worker", "ejabberd")
FROM: Final = "UPGRADE_FROM"
"""Environment variable: the commit that is upgraded. Without it the newer side is this tree and one more revision."""
ORDER: Final[tuple[Service, ...]] = ("ai_worker", "orchestrator", "component")
NEXT: Final = '''"""What a next version may bring: a column and a table that the version before knows nothing of."""

from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("ALTER TABLE aiox.executions ADD COLUMN of_the_next_version text NOT NULL DEFAULT 'unknown'")
    op.execute("CREATE TABLE aiox.of_the_next_version (id uuid PRIMARY KEY)")
'''


def tree_of(commit: str, folder: Path) -> Path:
    """A commit's files."""
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


def started_in(keeper: Keeper, tree: Path, service: Service) -> Callable[[], Awaitable[Process]]:
    """Starts a service of the kept hub with the code of another tree."""

    async def start() -> Process:
        program = Program(
            name=service,
            title=services.TITLES[service],
            command=("env", "-C", str(tree), sys.executable, "-m", "aiox.cli.main", "run", service),
            environment=services._environment(keeper.home, keeper.settings, service),
        )
        process = await Process.start(program, keeper.home.log_file(service))
        port = services.health_port(ports_of(service, keeper.settings.ports, 1), service)

        async def ready() -> bool:
            return await answers_ready(port)

        await process.until_ready(ready)
        return process

    return start


async def migrated(keeper: Keeper, tree: Path) -> str:
    """`aiox migrate` by another tree's code."""
    environment = {**os.environ, "AIOX_HOME": str(keeper.home.root)}
    return await run("env", "-C", str(tree), sys.executable, "-m", "aiox.cli.main", "migrate", environment=environment)


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_upgrade_with_traffic_loses_nothing(tmp_path: Path) -> None:
    commit = os.environ.get(FROM, "")
    old = tree_of(commit, tmp_path / "old") if commit else TOP
    new = TOP if commit else next_version(tmp_path / "new")
    async with traffic(7, clients=8, conversations=40) as running:
        keeper = running.keeper
        for service in ORDER if commit else ():
            await keeper.replace(service, started_in(keeper, old, service))
        talking = asyncio.create_task(running.volley(0, messages=600, seconds=60))
        await asyncio.sleep(5)
        said = await migrated(keeper, new)
        for service in ORDER:
            await asyncio.sleep(5)
            keeper.always(service, started_in(keeper, new, service))
            await keeper.replace(service)
        await talking
        await running.volley(1, messages=100, seconds=5)
        settled = await running.settled()
        violations = await running.violations()
        messages = len(running.crowd.messages())
    note(f"upgrade from {commit or 'this tree'}: {said.strip()} {messages} messages, {len(violations)} violations")
    assert not violations, summary(violations)
    assert settled
    assert keeper.surprises == []
    assert messages == 700
