"""Changes of an agent that its owner holds: which version is active, which address it has. Owner-scoped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from aiox.kernel.agent import AgentSpec
from aiox.kernel.ids import AgentId, OwnerId, agent_id_of
from aiox.runtime.postgres import Connection
from registry import agent_versions
from registry.agent_versions import NewVersion, StoredVersion


class AliasTaken(Exception):
    """The alias is, or was once, the address of another agent: an address is never given twice."""


@dataclass(frozen=True, slots=True)
class Held:
    """An agent whose row is locked until the transaction ends."""

    id: AgentId
    owner: OwnerId
    alias: str
    revision: int
    active: StoredVersion


async def activate(connection: Connection, version: StoredVersion | NewVersion, now: datetime) -> None:
    """Points the agent at a version, and shows that version's fields and tools. The caller holds the agent."""
    await connection.execute(
        "UPDATE agents SET profile = $3, llm_config = $4, capabilities = $5, memory_config = $6, governance = $7,"
        " visibility = $8, active_version_id = $9 WHERE owner_user_id = $1 AND id = $2",
        version.owner,
        version.agent_id,
        *shown(version.spec),
        version.id,
    )
    await connection.execute(
        "DELETE FROM agent_tools WHERE owner_user_id = $1 AND agent_id = $2", version.owner, version.agent_id
    )
    await insert_tools(connection, version.owner, version.agent_id, version.spec, now)


async def hold(connection: Connection, owner: OwnerId, agent_id: AgentId) -> Held | None:
    """Locks an agent that is not deleted, for a change of it; None when there is none. Raises VersionChanged."""
    row = await connection.fetchrow(
        "SELECT alias, revision, active_version_id FROM agents"
        " WHERE owner_user_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE",
        owner,
        agent_id,
    )
    if row is None:
        return None
    active = await connection.fetchrow(
        f"SELECT {agent_versions.COLUMNS} FROM agent_versions v WHERE v.owner_user_id = $1 AND v.id = $2",  # noqa: S608
        owner,
        row["active_version_id"],
    )
    if active is None:
        raise RuntimeError(f"agent {agent_id} points at a version that is not there")
    return Held(agent_id, owner, row["alias"] or "", row["revision"], agent_versions.of_row(active))


async def touch(connection: Connection, owner: OwnerId, agent_id: AgentId) -> int:
    """Counts one more change; returns the new revision."""
    return int(
        await connection.fetchval(
            "UPDATE agents SET revision = revision + 1 WHERE owner_user_id = $1 AND id = $2 RETURNING revision",
            owner,
            agent_id,
        )
    )


async def set_alias(connection: Connection, owner: OwnerId, agent_id: AgentId, alias: str, now: datetime) -> None:
    """Gives the agent a short address; empty takes it away. Raises AliasTaken: then the transaction is to be given up.

    One that it had before stays reserved for it.
    """
    alias_id = agent_id_of(alias) if alias else None
    if alias_id is not None:
        await claim(connection, owner, agent_id, alias_id, now)
    await connection.execute(
        "UPDATE agents SET alias = $3, alias_id = $4 WHERE owner_user_id = $1 AND id = $2",
        owner,
        agent_id,
        alias or None,
        alias_id,
    )


async def claim(connection: Connection, owner: OwnerId, agent_id: AgentId, address_id: UUID, now: datetime) -> None:
    """Puts an address on record for good. Raises AliasTaken when it is on record for another agent."""
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO agent_addresses (address_id, owner_user_id, agent_id, created_at) VALUES ($1, $2, $3, $4)",
                address_id,
                owner,
                agent_id,
                now,
            )
    except asyncpg.UniqueViolationError:
        mine = await connection.fetchval(
            "SELECT true FROM agent_addresses WHERE owner_user_id = $1 AND agent_id = $2 AND address_id = $3",
            owner,
            agent_id,
            address_id,
        )
        if not mine:
            raise AliasTaken from None


async def insert_tools(
    connection: Connection, owner: OwnerId, agent_id: AgentId, spec: AgentSpec, now: datetime
) -> None:
    """Writes the rows of a version's tools."""
    await connection.executemany(
        "INSERT INTO agent_tools (id, owner_user_id, agent_id, tool_name, policy, worker_type, created_at)"
        " VALUES ($1, $2, $3, $4, $5::jsonb, 'python', $6)",
        [
            (
                uuid4(),
                owner,
                agent_id,
                tool.name,
                f'"{tool.policy}"' if isinstance(tool.policy, str) else tool.policy.model_dump_json(exclude_none=True),
                now,
            )
            for tool in spec.tools
        ],
    )


def shown(spec: AgentSpec) -> tuple[str, ...]:
    """The columns of an agent that show its active version: profile to visibility, in the order of the table."""
    return (
        spec.profile.model_dump_json(),
        spec.llm_config.model_dump_json(),
        spec.capabilities.model_dump_json(),
        spec.memory_config.model_dump_json(),
        spec.governance.model_dump_json(),
        spec.visibility,
    )
