"""Has MCP servers looked at by a worker, and tells an owner when a tool is not what they had approved.

The row in PostgreSQL is the queue; a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from aiox.commands.gate import organisation_of
from aiox.commands.hub import Hub
from aiox.commands.notices import notice
from aiox.kernel.agent import McpServer
from aiox.kernel.canonical import Json
from aiox.kernel.ids import derived_id
from aiox.kernel.mcp import SeenTool, host_of, read_seen
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import Connection, StoreTrouble, owner_scope
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.mcp_wire import server_of
from orchestrator.tool_credentials import NoCredential, RingOf, mcp_credential
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool
from policy.ledger import Record
from policy.mcp import changed
from policy.tools import narrowed
from registry import accounts, ledger, mcp_servers, outbox
from registry.mcp_servers import AskedLook, Target

POLL_S: Final = 1.0
TIMEOUT_S: Final = 60.0
"""For one server, whole."""
TRIES: Final = 3
"""A worker that was lost with it counts."""
CHANGED: Final = "mcp.changed"
LOOKED: Final = "mcp.looked"
_POOL: Final = "default"
_BATCH: Final = 8
_GONE: Final = "The agent's active version has no such server any more."
_LOST: Final = f"It could not be looked at in {TRIES} attempts. Ask again, or look at the workers' logs."


@dataclass(frozen=True, slots=True)
class McpLooks:
    """Reads what is asked, asks a worker, writes what it saw."""

    hub: Hub
    ring_of: RingOf
    workers: WorkerPool
    log: Log

    async def run(self) -> None:
        """Polls until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.round()
            except (*StoreTrouble, NoWorker) as away:
                self.log.warning("mcp_looks_wait", error=describe(away))

    async def round(self) -> int:
        """Looks at whatever is due; returns how many servers that were. Raises StoreTrouble, NoWorker."""
        if not self.workers.healthy():
            return 0
        asked = await mcp_servers.find_asked(self.hub.pool, _BATCH)
        for look in asked:
            await self._try(look)
        return len(asked)

    async def _try(self, look: AskedLook) -> None:
        """Counted before it is tried: a server that kills whoever looks comes to an end, too."""
        tries = await mcp_servers.claim(self.hub.pool, look)
        target = await mcp_servers.target(self.hub.pool, look) if tries else None
        if target is None:
            return
        try:
            seen = _GONE if target.server is None else _LOST if tries > TRIES else await self._see(target)
        except WorkerLost as lost:
            self.log.warning("mcp_look_lost", server_id=str(look.id), tries=tries, error=describe(lost))
            return
        await self._note(target, seen)

    async def _see(self, target: Target) -> tuple[SeenTool, ...] | str:
        """What the server offers, or why that cannot be told. Raises NoWorker, WorkerLost."""
        server = target.of_version
        asked = pb.McpLookAsked(
            request_id=str(uuid4()),
            owner_user_id=str(target.look.owner),
            agent_id=str(target.look.agent_id),
            server=server_of(server),
            allowed_domains=narrowed((host_of(server),), target.domains),
        )
        if server.credential:
            try:
                found = await mcp_credential(self.hub.pool, self.ring_of, target.look.owner, server)
            except NoCredential as none:
                return str(none)
            asked.credential.CopyFrom(found)
        said = await self.workers.look(_POOL, asked, TIMEOUT_S)
        if said.error_text:
            return said.error_text
        try:
            return read_seen(server, said.tools)
        except ValueError:
            return "The server's list of tools cannot be read."

    async def _note(self, target: Target, seen: tuple[SeenTool, ...] | str) -> None:
        """What was seen, its ledger rows and the owner's notices share a commit."""
        look, now = target.look, self.hub.clock.now()
        organisation = await organisation_of(self.hub, look.owner, LOOKED)
        async with owner_scope(self.hub.pool, look.owner) as connection:
            before = await mcp_servers.hold(connection, look.owner, look.id)
            if before is None:
                return
            if isinstance(seen, str):
                await mcp_servers.failed(connection, look.owner, look.id, seen, now)
                return
            server = target.of_version
            lost = changed(server, before.known, seen)
            await mcp_servers.saw(connection, look.owner, look.id, seen, now)
            rows = [self._row(target, LOOKED, organisation, {"tools": len(seen)})]
            digests = {one.name: one.digest for one in seen}
            rows += [
                self._row(target, CHANGED, organisation, {"tool": name, "digest": digests.get(name, "")})
                for name in lost
            ]
            await ledger.append(connection, rows)
            if lost:
                await self._tell(connection, target, server, lost)

    async def _tell(self, connection: Connection, target: Target, server: McpServer, lost: Sequence[str]) -> None:
        """The owner, in the chat with the agent."""
        owner, now = target.look.owner, self.hub.clock.now()
        to = await accounts.find_address(self.hub.pool, owner)
        if to is None:
            return
        text = (
            f"The MCP server {server.name} has changed {', '.join(lost)} since you approved {_it(lost)}: I do not call"
            f" {_it(lost)} until you have approved {_it(lost)} again. See: aiox agent mcp list {target.look.agent_id}"
        )
        about = derived_id(target.look.id, f"changed:{now.isoformat()}")
        await outbox.put(connection, [notice(owner, about, target.agent_jid, to, text, now)])

    def _row(self, target: Target, event: str, organisation: UUID | None, details: dict[str, Json]) -> Record:
        server, agent = target.of_version.name, str(target.look.agent_id)
        return Record(
            id=uuid4(),
            owner=target.look.owner,
            event_type=event,
            severity="info" if event == LOOKED else "warning",
            details={"agent_id": agent, "server": server, **details},
            created_at=self.hub.clock.now(),
            actor="",
            organisation_id=organisation,
        )


def _it(tools: Sequence[str]) -> str:
    return "it" if len(tools) == 1 else "them"
