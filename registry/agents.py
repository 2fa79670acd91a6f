"""Agents, their immutable numbered versions, and who else may talk to them. Owner-scoped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from aiox.kernel.agent import AgentSpec, Capabilities, Governance, LlmConfig, MemoryConfig, Tool, Visibility
from aiox.kernel.ids import AgentId, OwnerId, VersionId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection, Pool, owner_scope


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version as it was published. `system_prompt_sealed` opens at `prompt_place` with the tenant's ring."""

    id: VersionId
    owner: OwnerId
    agent_id: AgentId
    number: int
    name: str
    traits: tuple[str, ...]
    llm_config: LlmConfig
    memory_config: MemoryConfig
    governance: Governance
    capabilities: Capabilities
    tools: tuple[Tool, ...]
    visibility: Visibility
    system_prompt_sealed: bytes
    policy_hash: str
    spec: AgentSpec

    @property
    def prompt_place(self) -> Place:
        """Where the sealed system prompt belongs."""
        return prompt_place(self.owner, self.id)

    def open_prompt(self, ring: KeyRing) -> str:
        """The system prompt in clear. Raises CannotOpen."""
        return ring.open(self.system_prompt_sealed, self.prompt_place).decode()


@dataclass(frozen=True, slots=True)
class NewAgent:
    """An agent to be stored with its first version, which becomes the active one."""

    id: AgentId
    version_id: VersionId
    owner: OwnerId
    jid: BareJid
    spec: AgentSpec
    system_prompt: str
    shared_with: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """What the owner's list shows of an agent."""

    id: AgentId
    jid: BareJid
    name: str
    description: str
    visibility: Visibility
    active_version: int
    documents_ready: int
    documents_waiting: int
    documents_failed: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """The agent with its active version."""

    id: AgentId
    jid: BareJid
    version: StoredVersion
    shared_with: tuple[str, ...]
    created_at: datetime


def prompt_place(owner: OwnerId, version_id: VersionId) -> Place:
    """What binds a sealed system prompt to its version."""
    return Place(owner, "agent_versions", "system_prompt", version_id)


async def create(connection: Connection, ring: KeyRing, agent: NewAgent) -> None:
    """Stores agent, version 1, grants and tools. `connection` is in the owner's scope; `ring` is the tenant's."""
    spec = agent.spec
    await connection.execute(
        "INSERT INTO agents (id, owner_user_id, jid, profile, llm_config, capabilities, memory_config, governance,"
        " visibility, active_version_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        agent.id,
        agent.owner,
        agent.jid,
        spec.model_dump_json(include={"name", "description", "personality_traits", "avatar"}),
        spec.llm_config.model_dump_json(),
        spec.capabilities.model_dump_json(),
        spec.memory_config.model_dump_json(),
        spec.governance.model_dump_json(),
        spec.visibility,
        agent.version_id,
        agent.created_at,
    )
    await _insert_version(connection, ring, agent)
    await _insert_grants(connection, agent)
    await _insert_tools(connection, agent)


async def _insert_version(connection: Connection, ring: KeyRing, agent: NewAgent) -> None:
    await connection.execute(
        "INSERT INTO agent_versions (id, owner_user_id, agent_id, number, spec, system_prompt, policy_hash, created_at)"
        " VALUES ($1, $2, $3, 1, $4, $5, $6, $7)",
        agent.version_id,
        agent.owner,
        agent.id,
        agent.spec.model_dump_json(),
        ring.seal(agent.system_prompt.encode(), prompt_place(agent.owner, agent.version_id)),
        agent.spec.policy_hash(),
        agent.created_at,
    )


async def _insert_grants(connection: Connection, agent: NewAgent) -> None:
    await connection.executemany(
        "INSERT INTO agent_grants (owner_user_id, agent_id, grantee, created_at) VALUES ($1, $2, $3, $4)",
        [(agent.owner, agent.id, grantee, agent.created_at) for grantee in agent.shared_with],
    )


async def _insert_tools(connection: Connection, agent: NewAgent) -> None:
    await connection.executemany(
        "INSERT INTO agent_tools (id, owner_user_id, agent_id, tool_name, policy, worker_type, created_at)"
        " VALUES ($1, $2, $3, $4, $5::jsonb, 'python', $6)",
        [
            (
                uuid4(),
                agent.owner,
                agent.id,
                tool.name,
                f'"{tool.policy}"' if isinstance(tool.policy, str) else tool.policy.model_dump_json(exclude_none=True),
                agent.created_at,
            )
            for tool in agent.spec.tools
        ],
    )


async def load_version(pool: Pool, owner: OwnerId, version_id: UUID) -> StoredVersion | None:
    """A version of one of this owner's agents; None when there is none."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT id, owner_user_id, agent_id, number, spec, system_prompt, policy_hash"
            " FROM agent_versions WHERE owner_user_id = $1 AND id = $2",
            owner,
            version_id,
        )
    return None if row is None else _version(row)


async def owner_of(pool: Pool, asker: OwnerId, agent_id: AgentId) -> OwnerId | None:
    """`asker` when the agent is theirs and not deleted; None for unknown, deleted and foreign agents alike."""
    async with owner_scope(pool, asker) as connection:
        found = await connection.fetchval(
            "SELECT owner_user_id FROM agents WHERE owner_user_id = $1 AND id = $2 AND deleted_at IS NULL",
            asker,
            agent_id,
        )
    return None if found is None else OwnerId(found)


async def load_detail(pool: Pool, owner: OwnerId, agent_id: AgentId) -> AgentDetail | None:
    """An agent of this owner with its active version; None when there is none."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT a.jid, a.created_at AS agent_created_at, v.id, v.owner_user_id, v.agent_id, v.number, v.spec,"
            " v.system_prompt, v.policy_hash"
            " FROM agents a JOIN agent_versions v ON v.id = a.active_version_id"
            " WHERE a.owner_user_id = $1 AND a.id = $2 AND a.deleted_at IS NULL",
            owner,
            agent_id,
        )
        grants = await connection.fetch(
            "SELECT grantee FROM agent_grants WHERE owner_user_id = $1 AND agent_id = $2 ORDER BY grantee",
            owner,
            agent_id,
        )
    if row is None:
        return None
    shared_with = tuple(grant["grantee"] for grant in grants)
    return AgentDetail(agent_id, BareJid(row["jid"]), _version(row), shared_with, row["agent_created_at"])


async def list_summaries(pool: Pool, owner: OwnerId) -> Sequence[AgentSummary]:
    """The owner's agents, oldest first, with the state of their documents."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT a.id, a.jid, a.profile ->> 'name' AS name, a.profile ->> 'description' AS description,"
            " a.visibility, v.number, a.created_at,"
            " count(d.id) FILTER (WHERE d.state = 'ready') AS ready,"
            " count(d.id) FILTER (WHERE d.state = 'waiting') AS waiting,"
            " count(d.id) FILTER (WHERE d.state = 'failed') AS failed"
            " FROM agents a JOIN agent_versions v ON v.id = a.active_version_id"
            " LEFT JOIN documents d ON d.agent_id = a.id AND d.owner_user_id = a.owner_user_id"
            " WHERE a.owner_user_id = $1 AND a.deleted_at IS NULL"
            " GROUP BY a.id, v.number ORDER BY a.created_at, a.id",
            owner,
        )
    return [_summary(row) for row in rows]


def _summary(row: asyncpg.Record) -> AgentSummary:
    return AgentSummary(
        id=AgentId(row["id"]),
        jid=BareJid(row["jid"]),
        name=row["name"],
        description=row["description"],
        visibility=Visibility(row["visibility"]),
        active_version=row["number"],
        documents_ready=row["ready"],
        documents_waiting=row["waiting"],
        documents_failed=row["failed"],
        created_at=row["created_at"],
    )


def _version(row: asyncpg.Record) -> StoredVersion:
    spec = AgentSpec.model_validate_json(row["spec"])
    return StoredVersion(
        id=VersionId(row["id"]),
        owner=OwnerId(row["owner_user_id"]),
        agent_id=AgentId(row["agent_id"]),
        number=row["number"],
        name=spec.name,
        traits=spec.personality_traits,
        llm_config=spec.llm_config,
        memory_config=spec.memory_config,
        governance=spec.governance,
        capabilities=spec.capabilities,
        tools=spec.tools,
        visibility=spec.visibility,
        system_prompt_sealed=bytes(row["system_prompt"]),
        policy_hash=row["policy_hash"],
        spec=spec,
    )
