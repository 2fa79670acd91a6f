"""One row of a victim in every owner table, and copies of them for an attacker to insert."""

# ruff: noqa: S608 -- names are constants

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId
from policy.ledger import Record
from tests.stores import NOW, Stores

SUBJECT = "guest@localhost"

# $1 is the owner, $2 the agent; the row is the one that an attacker goes for.
ROWS = f"""
INSERT INTO agent_grants (owner_user_id, agent_id, grantee, created_at) VALUES ($1, $2, 'peer.example', now());
INSERT INTO agent_tools (id, owner_user_id, agent_id, tool_name, policy, worker_type, created_at)
    VALUES (gen_random_uuid(), $1, $2, 'http_request', '{{}}', 'python', now());
INSERT INTO documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes, embedding_model,
                       created_at)
    VALUES (gen_random_uuid(), $1, $2, 't', 's', 'text/plain', '', 0, 'm', now());
WITH memory AS (
    INSERT INTO agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, content, created_at)
    VALUES (gen_random_uuid(), $1, $2, 'subject', '{SUBJECT}', 'fact', 'secret', now()) RETURNING *)
    INSERT INTO memory_vectors_384 (memory_id, owner_user_id, agent_id, scope, subject_jid, model, embedding)
    SELECT id, owner_user_id, agent_id, scope, subject_jid, 'm',
           array_fill(0.5, ARRAY[384])::public.halfvec FROM memory;
INSERT INTO preferences (owner_user_id, tone, format, language, created_at) VALUES ($1, '', '', 'en', now());
INSERT INTO user_quotas (user_id, last_reset) VALUES ($1, now()) ON CONFLICT DO NOTHING;
INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, outcome, tokens_used, tools_called, worker_id,
                        duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id, created_at)
    VALUES (gen_random_uuid(), $1, $2, '{SUBJECT}', 'answered', 1, '[]', 'w', 1, 1, 1, '{{}}', gen_random_uuid(),
            now());
INSERT INTO inbox (turn_id, owner_user_id, agent_id, sender_jid, message_id, outcome, correlation_id, admitted_at,
                   created_at)
    VALUES (gen_random_uuid(), $1, $2, '{SUBJECT}', 'm1', 'answered', gen_random_uuid(), now(), now());
INSERT INTO outbox (id, turn_id, owner_user_id, envelope, created_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), $1, 'secret', now());
INSERT INTO dead_letters (turn_id, owner_user_id, agent_id, sender_jid, reason, attempts, envelope, correlation_id,
                          created_at)
    VALUES (gen_random_uuid(), $1, $2, '{SUBJECT}', 'why', 5, 'secret', gen_random_uuid(), now());
INSERT INTO tool_calls (id, owner_user_id, agent_id, turn_id, turn_ids, tool_name, arguments_digest, created_at)
    VALUES (gen_random_uuid(), $1, $2, gen_random_uuid(), ARRAY[gen_random_uuid()], 'append_line', '', now());
WITH session AS (
    INSERT INTO sessions (id, owner_user_id, client, address, created_at, last_used_at, expires_at)
    VALUES (gen_random_uuid(), $1, 'c', '127.0.0.1', now(), now(), now() + interval '1 day') RETURNING *)
    INSERT INTO refresh_tokens (hash, owner_user_id, session_id, created_at, expires_at)
    SELECT sha256(id::text::bytea), owner_user_id, id, now(), now() FROM session;
WITH factor AS (
    INSERT INTO second_factors (owner_user_id, secret, created_at) VALUES ($1, 'secret', now()) RETURNING *)
    INSERT INTO recovery_codes (owner_user_id, hash, created_at)
    SELECT owner_user_id, sha256(owner_user_id::text::bytea), now() FROM factor;
INSERT INTO mail_tokens (hash, owner_user_id, purpose, created_at, expires_at)
    VALUES (sha256(gen_random_uuid()::text::bytea), $1, 'reset', now(), now());
"""
OWNER_TABLES = """
    SELECT c.relname AS name,
           CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'owner_user_id')
                THEN 'owner_user_id' ELSE 'id' END AS owner_column
    FROM pg_class c
    WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND (c.relname = 'users' OR EXISTS (
          SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'owner_user_id'))
    ORDER BY 1"""
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = ('aiox.' || $1)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum"""


@dataclass(frozen=True)
class OwnerTable:
    """A table with owners. `columns` without generated ones."""

    name: str
    owner_column: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Victim:
    """Whose rows they are."""

    actor: Actor
    agent_id: AgentId


async def make_victim(stores: Stores) -> Victim:
    """An account with a row in every owner table that exists today; a new table must be added here."""
    actor = await stores.account()
    agent_id = await stores.agent(actor)
    async with stores.superuser() as connection:
        for statement in ROWS.strip().removesuffix(";").split(";\n"):
            values = [actor.owner, agent_id][: 2 if "$2" in statement else 1]
            await connection.execute(statement, *values)
        record = Record(uuid4(), actor.owner, "test", "info", {}, NOW, actor.jid)
        await connection.execute("SELECT ledger_append($1)", [record.encode()])
    return Victim(actor, agent_id)


async def owner_tables(stores: Stores) -> list[OwnerTable]:
    """All owner tables of the catalogue."""
    async with stores.superuser() as connection:
        rows = await connection.fetch(OWNER_TABLES)
        return [
            OwnerTable(
                row["name"],
                row["owner_column"],
                tuple(column["attname"] for column in await connection.fetch(COLUMNS, row["name"])),
            )
            for row in rows
        ]
