"""Row-level security, from the catalogue: every owner table x every verb x every service role, against a foreign owner.

The attacker holds every right on the table, knows the victim's ids, and claims the victim's agent and correspondent;
only the policy stands in between. The control twin takes the policy out, and the same statement gets through.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.security.registry.victim import SUBJECT, OwnerTable, Victim, make_victim, owner_tables
from tests.stores import SERVICES, Stores

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")


@pytest.fixture(scope="module")
async def victim(stores: Stores) -> Victim:
    return await make_victim(stores)


@pytest.fixture(scope="module")
async def tables(stores: Stores) -> list[OwnerTable]:
    return await owner_tables(stores)


@asynccontextmanager
async def attacker(
    stores: Stores, table: OwnerTable, role: str, victim: Victim, owner: UUID | None, guarded: bool
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A service's role with every right on the table, in a transaction that is rolled back."""
    async with stores.superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"GRANT ALL ON {table.name} TO aiox_{role}")
        # The ledger's trigger is a guard of its own, tested elsewhere; here only policies count.
        await connection.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
        if not guarded:
            for policy in ("own", "own_worker"):
                await connection.execute(f"ALTER POLICY {policy} ON {table.name} USING (true) WITH CHECK (true)")
        await connection.execute(
            "SELECT set_config('aiox.owner', $1, true), set_config('aiox.agent', $2, true),"
            " set_config('aiox.subject', $3, true)",
            str(owner or ""),
            str(victim.agent_id),
            SUBJECT,
        )
        await connection.execute(f"SET LOCAL ROLE aiox_{role}")
        try:
            yield connection
        finally:
            await transaction.rollback()


async def reached(
    connection: asyncpg.Connection[asyncpg.Record], table: OwnerTable, verb: str, victim: Victim, row: str
) -> int:
    """How many rows of the victim the statement reads, adds, changes or removes."""
    mine = f"{table.owner_column} = '{victim.actor.owner}'"
    columns = ", ".join(table.columns)
    statement = {
        "SELECT": f"SELECT 1 FROM {table.name} WHERE {mine}",
        "INSERT": f"INSERT INTO {table.name} ({columns})"
        f" SELECT {columns} FROM jsonb_populate_record(NULL::{table.name}, $1)",
        "UPDATE": f"UPDATE {table.name} SET {table.columns[-1]} = {table.columns[-1]} WHERE {mine}",
        "DELETE": f"DELETE FROM {table.name} WHERE {mine}",
    }[verb]
    try:
        status = await connection.execute(statement, *([row] if verb == "INSERT" else []))
    except asyncpg.InsufficientPrivilegeError:
        return 0
    except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError):
        return 1  # past the policy: what stopped it was another row
    return int(status.split()[-1])


async def copy_of(stores: Stores, table: OwnerTable, victim: Victim) -> str:
    async with stores.superuser() as connection:
        row: str | None = await connection.fetchval(
            f"SELECT to_jsonb(t) FROM {table.name} t WHERE {table.owner_column} = $1 LIMIT 1", victim.actor.owner
        )
    assert row is not None, f"victim.py makes no row in {table.name}: add one"
    return row


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", SERVICES)
async def test_no_foreign_row_is_reached(
    stores: Stores, tables: list[OwnerTable], victim: Victim, role: str, verb: str
) -> None:
    for table in tables:
        row = await copy_of(stores, table, victim)
        for owner in (uuid4(), None):
            async with attacker(stores, table, role, victim, owner, guarded=True) as connection:
                assert await reached(connection, table, verb, victim, row) == 0, f"{role} {verb} {table.name}"


@pytest.mark.control
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("role", SERVICES)
async def test_without_the_policy_it_is(
    stores: Stores, tables: list[OwnerTable], victim: Victim, role: str, verb: str
) -> None:
    for table in tables:
        row = await copy_of(stores, table, victim)
        async with attacker(stores, table, role, victim, uuid4(), guarded=False) as connection:
            assert await reached(connection, table, verb, victim, row) > 0, f"{role} {verb} {table.name}"


async def test_the_worker_reaches_no_other_correspondent_of_its_own_owner(stores: Stores, victim: Victim) -> None:
    for subject, expected in (("other@localhost", 0), ("", 0), (SUBJECT, 1)):
        async with stores.pools["ai_worker"].acquire() as connection, connection.transaction():
            await connection.execute(
                "SELECT set_config('aiox.owner', $1, true), set_config('aiox.agent', $2, true),"
                " set_config('aiox.subject', $3, true)",
                str(victim.actor.owner),
                str(victim.agent_id),
                subject,
            )
            for table in ("agent_memories", "memory_vectors_384"):
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == expected


async def test_every_owner_table_forces_row_level_security(stores: Stores) -> None:
    async with stores.superuser() as connection:
        bare = await connection.fetch(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'owner_user_id'"
            " WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p')"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
    assert bare == []


async def test_partitions_are_granted_to_nobody(stores: Stores) -> None:
    async with stores.superuser() as connection:
        granted = await connection.fetch(
            "SELECT c.relname, g.rolname FROM pg_class c, aclexplode(c.relacl) x JOIN pg_roles g ON g.oid = x.grantee"
            " WHERE c.relispartition AND c.relnamespace = 'aiox'::regnamespace AND g.rolname <> 'aiox_migrator'"
        )
    assert granted == []


async def test_no_role_may_bypass_row_level_security(stores: Stores) -> None:
    async with stores.superuser() as connection:
        strong = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'aiox%' AND (rolsuper OR rolbypassrls OR rolcreaterole)"
        )
        members = await connection.fetch(
            "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
            " WHERE r.rolname = ANY ($1::text[])",
            [f"aiox_{service}" for service in SERVICES],
        )
    assert (strong, members) == ([], [])
