"""Agents and memories by the thousand, written past the hub: copies of what one agent has, under other names.

Written as the superuser with triggers and foreign keys off (`session_replication_role`), then analysed and flushed, so
that what is measured afterwards is not the writing.
"""

from __future__ import annotations

from typing import Final

from aiox.kernel.ids import AgentId
from bench.throwaway import Bench
from bench.whole.known import superuser

AGENTS_OF_AN_OWNER: Final = 1000
LIMIT_S: Final = 1200.0
_OWNERS: Final = """
    INSERT INTO aiox.users
    SELECT (jsonb_populate_record(u, jsonb_build_object(
        'id', md5('owner ' || n)::uuid, 'email', n || '@grown.example.org', 'jid', 'grown' || n || '@localhost'))).*
    FROM aiox.users u CROSS JOIN generate_series(1, $2) n
    WHERE u.id = (SELECT owner_user_id FROM aiox.agents WHERE id = $1)"""
_AGENTS: Final = (
    """
    CREATE TEMP TABLE grown AS
    SELECT md5('agent ' || n)::uuid AS agent, md5('version ' || n)::uuid AS version,
        md5('owner ' || (1 + n / $1))::uuid AS owner
    FROM generate_series(0, $2 - 1) n""",
    """
    INSERT INTO aiox.agents
    SELECT (jsonb_populate_record(a, jsonb_build_object('id', g.agent, 'owner_user_id', g.owner,
        'jid', 'agent-' || g.agent || '@agents.localhost', 'active_version_id', g.version))).*
    FROM aiox.agents a CROSS JOIN grown g WHERE a.id = $1""",
    """
    INSERT INTO aiox.agent_versions
    SELECT (jsonb_populate_record(v, jsonb_build_object(
        'id', g.version, 'owner_user_id', g.owner, 'agent_id', g.agent))).*
    FROM aiox.agent_versions v CROSS JOIN grown g WHERE v.agent_id = $1 AND v.number = 1""",
    """
    INSERT INTO aiox.agent_addresses
    SELECT g.agent, g.owner, g.agent, a.created_at
    FROM aiox.agent_addresses a CROSS JOIN grown g WHERE a.address_id = $1""",
)
_COPIES: Final = """
    CREATE TEMP TABLE copies AS
    SELECT md5('remembers ' || n)::uuid AS owner, md5('remembering ' || n)::uuid AS agent
    FROM generate_series(1, $1) n"""
_MEMORIES: Final = (
    """
    INSERT INTO aiox.agent_memories
        (id, owner_user_id, agent_id, scope, subject_jid, kind, document_id, ordinal, section, content, created_at)
    SELECT md5(m.id::text || c.owner)::uuid, c.owner, c.agent, 'agent', '', m.kind, m.document_id, m.ordinal, m.section,
        m.content, m.created_at
    FROM aiox.agent_memories m CROSS JOIN copies c WHERE m.agent_id = $1 AND m.kind = 'chunk'""",
    """
    INSERT INTO aiox.memory_vectors_384 (memory_id, owner_user_id, agent_id, scope, subject_jid, model, embedding)
    SELECT md5(v.memory_id::text || c.owner)::uuid, c.owner, c.agent, 'agent', '', v.model, v.embedding
    FROM aiox.memory_vectors_384 v CROSS JOIN copies c WHERE v.agent_id = $1 AND v.scope = 'agent'""",
    """
    INSERT INTO aiox.agent_storage (agent_id, owner_user_id, bytes)
    SELECT c.agent, c.owner, s.bytes FROM aiox.agent_storage s CROSS JOIN copies c WHERE s.agent_id = $1""",
)


async def more_agents(bench: Bench, like: AgentId, count: int) -> None:
    """So many agents more, of owners with a thousand each. Raises what the database raises."""
    async with superuser(bench) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_OWNERS, like, 1 + count // AGENTS_OF_AN_OWNER, timeout=LIMIT_S)
        first, *others = _AGENTS
        await connection.execute(first, AGENTS_OF_AN_OWNER, count, timeout=LIMIT_S)
        for statement in others:
            await connection.execute(statement, like, timeout=LIMIT_S)
    await _settle(bench, "users", "agents", "agent_versions", "agent_addresses")


async def more_memories(bench: Bench, like: AgentId, count: int) -> None:
    """At least so many passages more, each owner with as many as this agent has. Raises what the database raises."""
    async with superuser(bench) as connection:
        has = await connection.fetchval(
            "SELECT count(*) FROM agent_memories WHERE agent_id = $1 AND kind = 'chunk'", like
        )
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_COPIES, -(-count // has), timeout=LIMIT_S)
        for statement in _MEMORIES:
            await connection.execute(statement, like, timeout=LIMIT_S)
    await _settle(bench, "agent_memories", "memory_vectors_384", "agent_storage")


async def counted(bench: Bench) -> dict[str, int]:
    """Agents and memories that there are now."""
    async with superuser(bench) as connection:
        return {
            "agents": await connection.fetchval("SELECT count(*) FROM agents"),
            "memories": await connection.fetchval("SELECT count(*) FROM memory_vectors_384", timeout=LIMIT_S),
        }


async def _settle(bench: Bench, *tables: str) -> None:
    """Statistics, and nothing left to be flushed."""
    async with superuser(bench) as connection:
        for table in tables:
            await connection.execute(f"VACUUM ANALYZE aiox.{table}", timeout=LIMIT_S)
        await connection.execute("CHECKPOINT", timeout=LIMIT_S)
