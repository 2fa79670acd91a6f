"""An MCP server is looked at, its tools are approved one by one, and a change takes an approval away and is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
import structlog

from aiox.commands import mcp_servers as commands
from aiox.commands.hub import Actor, Hub
from aiox.commands.mcp_servers import ApproveTool, ServerShown, WhichAgentsServers, WhichServer, WhichTool
from aiox.kernel.agent import AgentSpec, McpServer, Profile
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import owner_scope
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.mcp_looks import TRIES, McpLooks
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import WorkerPool
from policy.mcp import Standing
from registry import mcp_servers
from registry.mcp_servers import LookState
from registry.tenants import load_ring
from tests.stores import Stores

FILES = McpServer(name="files", transport="stdio", command=("files",), allowed_tools=("read", "write"))


@dataclass
class Workers:
    """A pool that has seen a server."""

    said: list[dict[str, Any]] = field(default_factory=lambda: [tool("read"), tool("write"), tool("list")])
    error: str = ""
    lost: bool = False
    asked: list[pb.McpLookAsked] = field(default_factory=list)

    def healthy(self) -> int:
        return 1

    async def look(self, _pool: str, asked: pb.McpLookAsked, _timeout_s: float) -> pb.McpLooked:
        self.asked.append(asked)
        if self.lost:
            raise WorkerLost("gone")
        return pb.McpLooked(tools=json.dumps(self.said).encode(), error_text=self.error)


def tool(name: str, said: str = "It reads.") -> dict[str, Any]:
    return {"name": name, "description": said, "schema": {"type": "object"}}


@dataclass
class Scene:
    stores: Stores
    actor: Actor
    agent: AgentId
    workers: Workers = field(default_factory=Workers)

    async def look(self, server: str = "files") -> ServerShown | Refused:
        fields = WhichServer(agent_id=self.agent, server=server)
        return await commands.look(self.stores.hub, self.actor, fields)

    async def round(self) -> ServerShown:
        pool = self.stores.pools["orchestrator"]
        ring_of = partial(load_ring, pool, self.stores.keys)
        hub = Hub(pool, self.stores.keys, SystemClock(), "localhost")
        await McpLooks(hub, ring_of, cast(WorkerPool, self.workers), structlog.get_logger()).round()
        found = await commands.list_all(self.stores.hub, self.actor, WhichAgentsServers(agent_id=self.agent))
        assert not isinstance(found, Refused)
        return found[0]

    async def approve(self, name: str, digest: str) -> ServerShown | Refused:
        fields = ApproveTool(agent_id=self.agent, server="files", tool=name, digest=digest)
        return await commands.approve(self.stores.hub, self.actor, fields)

    async def events(self) -> list[str]:
        async with self.stores.superuser() as connection:
            rows = await connection.fetch(
                "SELECT event_type FROM audit_logs WHERE owner_user_id = $1 AND event_type LIKE 'mcp.%' ORDER BY seq",
                self.actor.owner,
            )
        return [row["event_type"] for row in rows]

    async def notices(self) -> int:
        async with self.stores.superuser() as connection:
            found: int = await connection.fetchval(
                "SELECT count(*) FROM outbox WHERE owner_user_id = $1", self.actor.owner
            )
        return found


@pytest.fixture
async def scene(stores: Stores) -> Scene:
    async with stores.superuser() as connection:
        await connection.execute("UPDATE mcp_servers SET state = 'failed'")
    actor = await stores.account()
    agent = await stores.agent(actor, AgentSpec(profile=Profile(name="Ada"), mcp_servers=(FILES,)))
    return Scene(stores, actor, agent)


def standings(shown: ServerShown) -> dict[str, Standing]:
    return {one.tool: one.standing for one in shown.tools}


def digest_of(shown: ServerShown | Refused, name: str) -> str:
    assert isinstance(shown, ServerShown)
    return next(one.digest for one in shown.tools if one.tool == name)


async def test_from_the_first_look_to_a_change_and_its_approval(scene: Scene) -> None:
    asked = await scene.look()
    assert isinstance(asked, ServerShown)
    assert (asked.state, standings(asked)) == (LookState.ASKED, {"read": Standing.NEW, "write": Standing.NEW})
    shown = await scene.round()
    assert (shown.state, shown.error) == (LookState.READY, "")
    assert standings(shown) == {"read": Standing.NEW, "write": Standing.NEW, "list": Standing.NOT_LISTED}
    approved = await scene.approve("read", digest_of(shown, "read"))
    assert isinstance(approved, ServerShown)
    assert standings(approved)["read"] is Standing.APPROVED
    assert await scene.notices() == 0
    scene.workers.said = [tool("read", "It reads, and more."), tool("write")]
    await scene.look()
    changed = await scene.round()
    assert standings(changed) == {"read": Standing.CHANGED, "write": Standing.NEW}
    assert await scene.notices() == 1
    again = await scene.approve("read", digest_of(changed, "read"))
    assert isinstance(again, ServerShown)
    assert standings(again)["read"] is Standing.APPROVED
    events = ["asked", "looked", "approved", "asked", "looked", "changed", "approved"]
    assert await scene.events() == [f"mcp.{one}" for one in events]
    (first, _) = scene.workers.asked
    assert (first.server.name, list(first.server.command), first.owner_user_id) == (
        "files",
        ["files"],
        str(scene.actor.owner),
    )


async def test_what_may_not_be_approved(scene: Scene) -> None:
    await scene.look()
    shown = await scene.round()
    for name, digest, code in (
        ("list", digest_of(shown, "list"), ErrorCode.CONFLICT),
        ("read", "0" * 64, ErrorCode.CONFLICT),
        ("nothing", "0" * 64, ErrorCode.NOT_FOUND),
    ):
        no = await scene.approve(name, digest)
        assert isinstance(no, Refused)
        assert no.code is code
    stranger = await scene.stores.account()
    fields = ApproveTool(agent_id=scene.agent, server="files", tool="read", digest=digest_of(shown, "read"))
    foreign = await commands.approve(scene.stores.hub, stranger, fields)
    assert isinstance(foreign, Refused)
    assert foreign.code is ErrorCode.NOT_FOUND
    unknown = await scene.look("other")
    assert isinstance(unknown, Refused)
    assert unknown.code is ErrorCode.NOT_FOUND


async def test_an_approval_is_taken_back(scene: Scene) -> None:
    await scene.look()
    shown = await scene.round()
    await scene.approve("read", digest_of(shown, "read"))
    which = WhichTool(agent_id=scene.agent, server="files", tool="read")
    taken = await commands.withdraw(scene.stores.hub, scene.actor, which)
    assert isinstance(taken, ServerShown)
    assert standings(taken)["read"] is Standing.NEW
    again = await commands.withdraw(scene.stores.hub, scene.actor, which)
    assert isinstance(again, Refused)
    assert again.code is ErrorCode.NOT_FOUND


async def test_a_server_that_cannot_be_looked_at_says_why_and_keeps_what_was_seen(scene: Scene) -> None:
    await scene.look()
    await scene.round()
    scene.workers.error = "The MCP server was not ready within 20 seconds."
    await scene.look()
    shown = await scene.round()
    assert (shown.state, shown.error) == (LookState.FAILED, scene.workers.error)
    assert len(shown.tools) == 3


async def test_a_server_that_kills_its_workers_comes_to_an_end(scene: Scene) -> None:
    scene.workers.lost = True
    await scene.look()
    for _ in range(2):
        assert (await scene.round()).state is LookState.ASKED
    assert len(scene.workers.asked) == 1  # the next try is a minute away
    for _ in range(TRIES):
        async with scene.stores.superuser() as connection:
            await connection.execute("UPDATE mcp_servers SET tried_at = tried_at - interval '1 hour'")
        shown = await scene.round()
    assert shown.state is LookState.FAILED
    assert len(scene.workers.asked) == TRIES


async def test_a_tool_that_a_worker_found_changed_is_looked_at_again(scene: Scene) -> None:
    await scene.look()
    await scene.round()
    pool, which = scene.stores.pools["orchestrator"], mcp_servers.server_id(scene.agent, "files")
    async with owner_scope(pool, scene.actor.owner) as connection:
        await mcp_servers.ask_again(connection, scene.actor.owner, which)
    assert (await scene.round()).state is LookState.READY
    assert len(scene.workers.asked) == 2
