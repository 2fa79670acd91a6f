"""What an agent's MCP servers said of their tools, and which of them their owner has approved (revision 0027).

The row of a server is the queue of those who look: one that is `asked` is looked at by an orchestrator. Owner-scoped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from aiox.kernel.agent import McpServer
from aiox.kernel.ids import AgentId, OwnerId, derived_id
from aiox.kernel.jid import BareJid
from aiox.kernel.mcp import SeenTool, stored_seen
from aiox.runtime.postgres import Connection, Pool, owner_scope
from policy.mcp import Known
from registry.agent_versions import COLUMNS, of_row

_COLUMNS = "id, agent_id, server, state, error, seen, approved, looked_at"


class LookState(StrEnum):
    """How far a server has been looked at."""

    ASKED = "asked"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredServer:
    """A server that was looked at, or is to be. `error` says why it could not be."""

    id: UUID
    agent_id: AgentId
    server: str
    state: LookState
    error: str
    known: Known
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AskedLook:
    """A server that somebody wants looked at."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be looked at. `server` is None when the agent's active version has none of that name any more."""

    look: AskedLook
    server: McpServer | None
    domains: tuple[str, ...]
    """What the agent may reach at all; empty: no list of its own."""
    agent_jid: BareJid

    @property
    def of_version(self) -> McpServer:
        """The server. Raises ValueError when there is none."""
        if self.server is None:
            raise ValueError("no such server")
        return self.server


def server_id(agent: AgentId, server: str) -> UUID:
    """The id of an agent's server: the same whenever it is asked for."""
    return derived_id(agent, f"mcp:{server}")


async def of_agent(connection: Connection, owner: OwnerId, agent: AgentId) -> Mapping[str, StoredServer]:
    """By the server's name."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM mcp_servers WHERE owner_user_id = $1 AND agent_id = $2",  # noqa: S608
        owner,
        agent,
    )
    return {row["server"]: _stored(row) for row in rows}


async def hold(connection: Connection, owner: OwnerId, server: UUID) -> StoredServer | None:
    """One, locked until the transaction ends; None when it was never asked for."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM mcp_servers WHERE owner_user_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        owner,
        server,
    )
    return None if row is None else _stored(row)


async def ask(connection: Connection, owner: OwnerId, agent: AgentId, server: str, now: datetime) -> None:
    """Has a server looked at, soon. What was approved stays."""
    await connection.execute(
        "INSERT INTO mcp_servers (id, owner_user_id, agent_id, server, created_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (id) DO UPDATE SET state = 'asked', error = '', tries = 0, tried_at = NULL",
        server_id(agent, server),
        owner,
        agent,
        server,
        now,
    )


async def ask_again(connection: Connection, owner: OwnerId, server: UUID) -> None:
    """Has a server looked at that was looked at before. One that is asked for already is left as it is."""
    await connection.execute(
        "UPDATE mcp_servers SET state = 'asked', error = '', tries = 0, tried_at = NULL"
        " WHERE owner_user_id = $1 AND id = $2 AND state <> 'asked'",
        owner,
        server,
    )


async def approve(connection: Connection, owner: OwnerId, server: UUID, approved: Mapping[str, str]) -> None:
    """Puts what is approved in the place of what was, digest by name of the tool."""
    await connection.execute(
        "UPDATE mcp_servers SET approved = $3 WHERE owner_user_id = $1 AND id = $2",
        owner,
        server,
        json.dumps(dict(approved)),
    )


async def find_asked(pool: Pool, limit: int) -> Sequence[AskedLook]:
    """Servers of all owners that are to be looked at and are due. For the orchestrator's role only."""
    rows = await pool.fetch("SELECT server_id, owner_user_id, agent_id FROM find_mcp_looks($1)", limit)
    return [AskedLook(row["server_id"], OwnerId(row["owner_user_id"]), AgentId(row["agent_id"])) for row in rows]


async def target(pool: Pool, look: AskedLook) -> Target | None:
    """The server as the agent's active version has it; None for an agent that is gone. Raises VersionChanged."""
    async with owner_scope(pool, look.owner) as connection:
        row = await connection.fetchrow(
            f"SELECT {COLUMNS}, a.jid, m.server FROM mcp_servers m"  # noqa: S608
            " JOIN agents a ON a.owner_user_id = m.owner_user_id AND a.id = m.agent_id"
            " JOIN agent_versions v ON v.id = a.active_version_id"
            " WHERE m.owner_user_id = $1 AND m.id = $2 AND a.deleted_at IS NULL",
            look.owner,
            look.id,
        )
    if row is None:
        return None
    spec = of_row(row).spec
    server = next((one for one in spec.mcp_servers if one.name == row["server"]), None)
    return Target(look, server, spec.governance.allowed_domains, BareJid(row["jid"]))


async def claim(pool: Pool, look: AskedLook) -> int:
    """Counts one more try; returns how many there were with it. 0 when it is gone, or another one was faster."""
    async with owner_scope(pool, look.owner) as connection:
        tries = await connection.fetchval(
            "UPDATE mcp_servers SET tries = tries + 1, tried_at = clock_timestamp()"
            " WHERE owner_user_id = $1 AND id = $2 AND state = 'asked'"
            " AND (tried_at IS NULL OR tried_at < clock_timestamp() - make_interval(secs => 90))"
            " RETURNING tries",
            look.owner,
            look.id,
        )
    return tries or 0


async def saw(connection: Connection, owner: OwnerId, server: UUID, seen: Sequence[SeenTool], now: datetime) -> None:
    """Stores what a look found."""
    await connection.execute(
        "UPDATE mcp_servers SET state = 'ready', error = '', seen = $3, looked_at = $4"
        " WHERE owner_user_id = $1 AND id = $2",
        owner,
        server,
        json.dumps([one.as_json for one in seen]),
        now,
    )


async def failed(connection: Connection, owner: OwnerId, server: UUID, error: str, now: datetime) -> None:
    """Stores why a look found nothing. What was seen before stays."""
    await connection.execute(
        "UPDATE mcp_servers SET state = 'failed', error = $3, looked_at = $4 WHERE owner_user_id = $1 AND id = $2",
        owner,
        server,
        error[:500],
        now,
    )


def _stored(row: Record) -> StoredServer:
    return StoredServer(
        id=row["id"],
        agent_id=AgentId(row["agent_id"]),
        server=row["server"],
        state=LookState(row["state"]),
        error=row["error"],
        known=Known(stored_seen(row["seen"]), json.loads(row["approved"])),
        looked_at=row["looked_at"],
    )
