"""A hub whose agents have the test tool, with a stub where the model is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aiox.cli.stack.home import prepare
from aiox.commands.create_agent import AgentCreated
from aiox.runtime.settings import Model, Settings, Telemetry
from bench.stub_model import Scripted, StubModel, stub_model
from tests.e2e.database import superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.stack import Account, RunningHub, free_ports

FREE: list[dict[str, object]] = [{"name": "append_line", "policy": {"requires_approval": False}}]
HELD: list[dict[str, object]] = [{"name": "append_line", "policy": "approval"}]


@dataclass(frozen=True)
class ToolHub:
    """A hub whose agents may append lines, with a stub where the model is."""

    hub: RunningHub
    model: StubModel
    folder: Path
    given: dict[str, str]
    """Environment of its processes."""

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    async def agent(self, tools: list[dict[str, object]] | None = None) -> tuple[Account, AgentCreated]:
        owner = await self.hub.account(quota=ROOMY_ACCOUNT)
        return owner, await self.hub.agent(owner, governance=ROOMY, tools=FREE if tools is None else tools)

    async def calls(self, agent: AgentCreated) -> list[tuple[str, str]]:
        async with superuser(self.hub) as connection:
            rows = await connection.fetch(
                "SELECT tool_name, state FROM tool_calls WHERE agent_id = $1 ORDER BY created_at", agent.agent_id
            )
        return [(row["tool_name"], row["state"]) for row in rows]


def appends(name: str, line: str) -> Scripted:
    return Scripted("", calls=({"name": "append_line", "arguments": json.dumps({"line": line, "file": name})},))


@asynccontextmanager
async def tool_hub(**more: str) -> AsyncIterator[ToolHub]:
    """`more`: settings of its processes as environment."""
    async with stub_model() as stub:
        with TemporaryDirectory(prefix="aiox-test-") as home, TemporaryDirectory(prefix="aiox-test-") as folder:
            settings = Settings(
                home=Path(home),
                ports=free_ports(),
                telemetry=Telemetry(sample_rate=1.0),
                model=Model(provider="openai", name="stub", api_base=stub.url),
            )
            given = {"AIOX_MODEL__API_KEY": "sk-stub", "AIOX_TOOLS__TEST_FOLDER": folder}
            hub = RunningHub(prepare(settings), settings, {**given, **more})
            await hub.start()
            try:
                yield ToolHub(hub, stub, Path(folder), given)
            finally:
                await hub.stop()
