"""Each role has the rights it needs: what may be read by whom, from the catalogue and by trying."""

from __future__ import annotations

import asyncpg
import pytest

from aiox.runtime.settings import Service
from tests.stores import Stores

SECRETS = """
    SELECT c.relname AS "table", a.attname AS "column" FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND (a.attname ~ '(password|secret|wrapped|recovery|(^|_)token_hash$|(^|_)hash$)' OR EXISTS (
          SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = a.attname || '_is_sealed'))
      AND c.relname !~ '^(audit_logs|ledger_)' AND a.attname <> 'policy_hash'
    ORDER BY 1, 2"""
MAY = "SELECT has_column_privilege($1, 'aiox.' || $2, $3, $4)"


async def readable(stores: Stores, role: str, verb: str = "SELECT") -> set[str]:
    """The secret columns that a role may read."""
    async with stores.superuser() as connection:
        rows = await connection.fetch(SECRETS)
        return {
            f"{row['table']}.{row['column']}"
            for row in rows
            if await connection.fetchval(MAY, role, row["table"], row["column"], verb)
        }


async def test_there_are_secret_columns(stores: Stores) -> None:
    assert {"users.password_hash", "tenant_keys.wrapped", "provider_credentials.secret", "executions.input"} <= (
        await readable(stores, "aiox_migrator")
    )


@pytest.mark.parametrize("role", ["aiox_ai_worker", "aiox_component"])
async def test_worker_and_xmpp_door_read_no_secret(stores: Stores, role: str) -> None:
    assert await readable(stores, role) == set()


async def test_the_orchestrator_reads_no_passwords(stores: Stores) -> None:
    assert {name for name in await readable(stores, "aiox_orchestrator") if "hash" in name or "users." in name} == set()


async def test_the_keeper_has_ciphertexts_and_nothing_else(stores: Stores) -> None:
    sealed = await readable(stores, "aiox_keeper")
    assert sealed == await readable(stores, "aiox_keeper", "UPDATE")
    assert "users.password_hash" not in sealed
    async with stores.superuser() as connection:
        texts = await connection.fetch(
            "SELECT p.table_name, p.column_name FROM information_schema.column_privileges p"
            " JOIN information_schema.columns c USING (table_schema, table_name, column_name)"
            " WHERE p.grantee = 'aiox_keeper' AND p.table_schema = 'aiox' AND c.data_type IN ('text', 'jsonb')"
        )
    assert texts == []


FORBIDDEN: list[tuple[Service, str]] = [
    ("ai_worker", "SELECT * FROM provider_credentials"),
    ("ai_worker", "SELECT password_hash FROM users"),
    ("ai_worker", "SELECT wrapped FROM tenant_keys"),
    ("ai_worker", "SELECT input FROM executions"),
    ("ai_worker", "UPDATE agent_memories SET content = ''"),
    ("ai_worker", "DELETE FROM agent_memories"),
    ("component", "SELECT content FROM agent_memories"),
    ("component", "SELECT 1 FROM memory_vectors_384"),
    ("component", "SELECT password_hash FROM users"),
    ("component", "SELECT 1 FROM agents"),
    ("orchestrator", "SELECT password_hash FROM users"),
    ("orchestrator", "UPDATE provider_credentials SET secret = NULL"),
    ("orchestrator", "SELECT content FROM agent_memories"),
    ("gateway", "SELECT content FROM agent_memories"),
    ("gateway", "DELETE FROM audit_logs"),
    ("gateway", "SELECT find_tenants('00000000-0000-0000-0000-000000000000', 1)"),
]


@pytest.mark.parametrize(("service", "statement"), FORBIDDEN)
async def test_refused_by_the_database(stores: Stores, service: Service, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stores.pools[service].execute(statement)


@pytest.mark.control
@pytest.mark.parametrize(("service", "statement"), FORBIDDEN)
async def test_allowed_to_who_has_the_right(stores: Stores, service: Service, statement: str) -> None:
    """The statements themselves are sound: it is the right that lacks."""
    async with stores.superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA aiox TO aiox_{service}")
        await connection.execute(f"GRANT ALL ON ALL FUNCTIONS IN SCHEMA aiox TO aiox_{service}")
        await connection.execute(f"SET LOCAL ROLE aiox_{service}")
        await connection.execute(statement)
        await transaction.rollback()
