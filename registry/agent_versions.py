"""Immutable numbered versions of agents, each frozen by a digest. Owner-scoped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import asyncpg

from aiox.kernel.agent import (
    AgentSpec,
    Capabilities,
    Governance,
    LlmConfig,
    MemoryConfig,
    Tool,
    Visibility,
    content_digest,
)
from aiox.kernel.ids import AgentId, OwnerId, VersionId
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection, Pool, owner_scope

REMEMBERED: Final = 1024
"""Versions that a process keeps in parsed form."""


class VersionChanged(Exception):
    """A stored version is not what its digest froze: somebody changed the database past the hub. It is not used."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version as it was published. `system_prompt_sealed` opens at `prompt_place` with the tenant's ring."""

    id: VersionId
    owner: OwnerId
    agent_id: AgentId
    number: int
    spec: AgentSpec
    system_prompt_sealed: bytes
    policy_hash: str
    content_digest: str
    created_at: datetime

    @property
    def prompt_place(self) -> Place:
        """Where the sealed system prompt belongs."""
        return prompt_place(self.owner, self.id)

    def open_prompt(self, ring: KeyRing) -> str:
        """The system prompt in clear. Raises CannotOpen."""
        return ring.open(self.system_prompt_sealed, self.prompt_place).decode()

    @property
    def name(self) -> str:
        """The agent's name in this version."""
        return self.spec.profile.name

    @property
    def traits(self) -> tuple[str, ...]:
        """Its personality traits."""
        return self.spec.profile.personality_traits

    @property
    def llm_config(self) -> LlmConfig:
        """The model."""
        return self.spec.llm_config

    @property
    def memory_config(self) -> MemoryConfig:
        """What it remembers."""
        return self.spec.memory_config

    @property
    def governance(self) -> Governance:
        """Its limits."""
        return self.spec.governance

    @property
    def capabilities(self) -> Capabilities:
        """What it is good at."""
        return self.spec.capabilities

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What it may ask for."""
        return self.spec.tools

    @property
    def visibility(self) -> Visibility:
        """Whom it serves."""
        return self.spec.visibility


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be stored."""

    id: VersionId
    owner: OwnerId
    agent_id: AgentId
    number: int
    spec: AgentSpec
    system_prompt: str
    created_at: datetime

    @property
    def content_digest(self) -> str:
        """What freezes it."""
        return content_digest(self.agent_id, self.number, self.spec.policy_hash(), self.spec.model_dump(mode="json"))


def prompt_place(owner: OwnerId, version_id: VersionId) -> Place:
    """What binds a sealed system prompt to its version."""
    return Place(owner, "agent_versions", "system_prompt", version_id)


async def insert(connection: Connection, ring: KeyRing, version: NewVersion) -> None:
    """Stores a version. `connection` is in the owner's scope; `ring` is the tenant's."""
    await connection.execute(
        "INSERT INTO agent_versions (id, owner_user_id, agent_id, number, spec, system_prompt, policy_hash,"
        " content_digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        version.id,
        version.owner,
        version.agent_id,
        version.number,
        version.spec.model_dump_json(),
        ring.seal(version.system_prompt.encode(), prompt_place(version.owner, version.id)),
        version.spec.policy_hash(),
        version.content_digest,
        version.created_at,
    )


COLUMNS = (
    "v.id, v.owner_user_id, v.agent_id, v.number, v.spec, v.system_prompt, v.policy_hash, v.content_digest,"
    " v.created_at"
)
"""What `of_row` reads, from `agent_versions v`."""


def of_row(row: asyncpg.Record) -> StoredVersion:
    """A version from its row. Raises VersionChanged."""
    agent_id, number, policy_hash = AgentId(row["agent_id"]), row["number"], row["policy_hash"]
    return StoredVersion(
        id=VersionId(row["id"]),
        owner=OwnerId(row["owner_user_id"]),
        agent_id=agent_id,
        number=number,
        spec=_frozen(agent_id, number, policy_hash, row["spec"], row["content_digest"]),
        system_prompt_sealed=bytes(row["system_prompt"]),
        policy_hash=policy_hash,
        content_digest=row["content_digest"],
        created_at=row["created_at"],
    )


@lru_cache(REMEMBERED)
def _frozen(agent_id: AgentId, number: int, policy_hash: str, spec: str, digest: str) -> AgentSpec:
    """The specification, when all of this is what the digest froze. Raises VersionChanged, every time.

    Remembered by everything that is compared: what was changed in the database is another question, and asked.
    """
    if content_digest(agent_id, number, policy_hash, json.loads(spec)) != digest:
        raise VersionChanged(f"version {number} of agent {agent_id} is not what was published")
    return AgentSpec.model_validate_json(spec)


async def load_version(pool: Pool, owner: OwnerId, version_id: UUID) -> StoredVersion | None:
    """A version of one of this owner's agents; None when there is none. Raises VersionChanged."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            f"SELECT {COLUMNS} FROM agent_versions v WHERE v.owner_user_id = $1 AND v.id = $2",  # noqa: S608
            owner,
            version_id,
        )
    return None if row is None else of_row(row)


async def find(connection: Connection, owner: OwnerId, agent_id: AgentId, number: int) -> StoredVersion | None:
    """Version `number` of an agent; None when there is none. Raises VersionChanged."""
    row = await connection.fetchrow(
        f"SELECT {COLUMNS} FROM agent_versions v"  # noqa: S608
        " WHERE v.owner_user_id = $1 AND v.agent_id = $2 AND v.number = $3",
        owner,
        agent_id,
        number,
    )
    return None if row is None else of_row(row)


async def list_of_agent(
    connection: Connection, owner: OwnerId, agent_id: AgentId, below: int, limit: int
) -> Sequence[StoredVersion]:
    """Versions with numbers under `below`, the newest first. Raises VersionChanged."""
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM agent_versions v"  # noqa: S608
        " WHERE v.owner_user_id = $1 AND v.agent_id = $2 AND v.number < $3 ORDER BY v.number DESC LIMIT $4",
        owner,
        agent_id,
        below,
        limit,
    )
    return [of_row(row) for row in rows]


async def newest_number(connection: Connection, owner: OwnerId, agent_id: AgentId) -> int:
    """The highest number that was given; 0 when none was."""
    found = await connection.fetchval(
        "SELECT max(number) FROM agent_versions WHERE owner_user_id = $1 AND agent_id = $2", owner, agent_id
    )
    return int(found or 0)
