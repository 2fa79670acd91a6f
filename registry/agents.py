"""Agents as they are made and as their owner sees them. Owner-scoped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import asyncpg

from aiox.kernel.agent import AgentSpec, Visibility
from aiox.kernel.ids import AgentId, OwnerId, VersionId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Connection, Pool, owner_scope
from registry import agent_changes, agent_grants, agent_versions
from registry.agent_versions import NewVersion, StoredVersion
from registry.pages import Position


@dataclass(frozen=True, slots=True)
class NewAgent:
    """An agent to be stored with its first version, which becomes the active one. `alias` may be empty."""

    id: AgentId
    version_id: VersionId
    owner: OwnerId
    jid: BareJid
    spec: AgentSpec
    system_prompt: str
    shared_with: tuple[str, ...]
    created_at: datetime
    alias: str = ""

    @property
    def first_version(self) -> NewVersion:
        """Version 1."""
        return NewVersion(self.version_id, self.owner, self.id, 1, self.spec, self.system_prompt, self.created_at)


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """What the owner's list shows of an agent. `deleted_at` is None for one that lives."""

    id: AgentId
    jid: BareJid
    alias: str
    name: str
    description: str
    avatar: str
    visibility: Visibility
    active_version: int
    has_draft: bool
    documents_ready: int
    documents_waiting: int
    documents_failed: int
    created_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """The agent with its active version. `revision` grows with every change of whatever is the agent's."""

    id: AgentId
    jid: BareJid
    alias: str
    revision: int
    version: StoredVersion
    wrapped_keys: Mapping[int, bytes] = field(repr=False)
    """The tenant's data keys as they were when the version was read; `registry.tenants.unwrapped` opens them."""
    has_draft: bool
    shared_with: tuple[str, ...]
    created_at: datetime


MOST: Final = 10_000
"""Agents that one account may have, with those that were deleted and are not purged yet."""


class TooManyAgents(Exception):
    """The account has MOST agents already."""


async def create(connection: Connection, ring: KeyRing, agent: NewAgent) -> None:
    """Stores agent, version 1, grants and tools. `connection` is in the owner's scope; `ring` is the tenant's.

    Raises TooManyAgents, AliasTaken; then the transaction is to be given up.
    """
    there = await connection.fetchval("SELECT count(*) FROM agents WHERE owner_user_id = $1", agent.owner)
    if there >= MOST:
        raise TooManyAgents
    await connection.execute(
        "INSERT INTO agents (id, owner_user_id, jid, profile, llm_config, capabilities, memory_config, governance,"
        " visibility, active_version_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        agent.id,
        agent.owner,
        agent.jid,
        *agent_changes.shown(agent.spec),
        agent.version_id,
        agent.created_at,
    )
    await agent_changes.claim(connection, agent.owner, agent.id, agent.id, agent.created_at)
    if agent.alias:
        await agent_changes.set_alias(connection, agent.owner, agent.id, agent.alias, agent.created_at)
    await agent_versions.insert(connection, ring, agent.first_version)
    await agent_grants.add(connection, agent.owner, agent.id, agent.shared_with, agent.created_at)
    await agent_changes.insert_tools(connection, agent.owner, agent.id, agent.spec, agent.created_at)


async def owner_of(pool: Pool, asker: OwnerId, agent_id: AgentId, *, deleted: bool = False) -> OwnerId | None:
    """`asker` when the agent is theirs, and not deleted (or deleted, when that is asked for); None for all others."""
    async with owner_scope(pool, asker) as connection:
        found = await connection.fetchval(
            "SELECT owner_user_id FROM agents"
            " WHERE owner_user_id = $1 AND id = $2 AND (deleted_at IS NOT NULL) = $3 AND purge_asked_at IS NULL",
            asker,
            agent_id,
            deleted,
        )
    return None if found is None else OwnerId(found)


async def load_detail(pool: Pool, owner: OwnerId, agent_id: AgentId) -> AgentDetail | None:
    """An agent of this owner with its active version; None when there is none. One statement. Raises VersionChanged."""
    row = await pool.fetchrow("SELECT * FROM agent_detail($1, $2)", owner, agent_id)
    if row is None:
        return None
    return AgentDetail(
        id=agent_id,
        jid=BareJid(row["jid"]),
        alias=row["alias"] or "",
        revision=row["revision"],
        version=agent_versions.of_row(row),
        wrapped_keys=dict(zip(row["key_numbers"], row["wrapped_keys"], strict=True)),
        has_draft=row["has_draft"],
        shared_with=tuple(row["shared_with"]),
        created_at=row["agent_created_at"],
    )


async def list_summaries(
    pool: Pool,
    owner: OwnerId,
    *,
    deleted: bool = False,
    after: Position | None = None,
    limit: int = 1_000_000,
) -> Sequence[AgentSummary]:
    """The owner's agents, oldest first, with the state of their documents; or those that are deleted and not purged."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT a.id, a.jid, a.alias, a.visibility, v.number, a.created_at, a.deleted_at,"
            " a.profile ->> 'name' AS name, a.profile ->> 'description' AS description,"
            " a.profile ->> 'avatar' AS avatar, count(d.id) FILTER (WHERE d.state = 'ready') AS ready,"
            " count(d.id) FILTER (WHERE d.state NOT IN ('ready', 'failed')) AS waiting,"
            " count(d.id) FILTER (WHERE d.state = 'failed') AS failed,"
            " EXISTS (SELECT FROM agent_drafts t WHERE t.agent_id = a.id) AS has_draft"
            " FROM agents a JOIN agent_versions v ON v.id = a.active_version_id"
            " LEFT JOIN documents d ON d.agent_id = a.id AND d.owner_user_id = a.owner_user_id"
            " WHERE a.owner_user_id = $1 AND (a.deleted_at IS NOT NULL) = $2 AND a.purge_asked_at IS NULL"
            " AND ($3::timestamptz IS NULL OR (a.created_at, a.id) > ($3, $4))"
            " GROUP BY a.id, v.number ORDER BY a.created_at, a.id LIMIT $5",
            owner,
            deleted,
            None if after is None else after.at,
            None if after is None else after.id,
            limit,
        )
    return [_summary(row) for row in rows]


def _summary(row: asyncpg.Record) -> AgentSummary:
    return AgentSummary(
        id=AgentId(row["id"]),
        jid=BareJid(row["jid"]),
        alias=row["alias"] or "",
        name=row["name"],
        description=row["description"],
        avatar=row["avatar"],
        visibility=Visibility(row["visibility"]),
        active_version=row["number"],
        has_draft=row["has_draft"],
        documents_ready=row["ready"],
        documents_waiting=row["waiting"],
        documents_failed=row["failed"],
        created_at=row["created_at"],
        deleted_at=row["deleted_at"],
    )
