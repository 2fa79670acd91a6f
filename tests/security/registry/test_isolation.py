"""Row-level security, from the catalogue: every owner table x every verb x every role x both of two owners.

The attacker holds every right on the table, claims the victim's agent and correspondent, and leaves every WHERE away;
only the policies stand in between. The control twins take them out one by one, and the same statements get through.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.security.registry.arena import VERBS, Arena, opened_arena, savepoint
from tests.security.registry.catalogue import SUBJECT
from tests.stores import SERVICES, Stores

POLICIES = """
    SELECT p.tablename AS "table", p.policyname AS policy, p.roles::text[] AS roles, p.cmd AS verb,
           p.qual AS rule, p.with_check AS "check"
    FROM pg_policies p WHERE p.schemaname = 'aiox' ORDER BY 1, 2"""
FUNCTION_ROLES = {"aiox_finder", "aiox_writer", "aiox_eraser"}


@pytest.fixture
async def arena(stores: Stores) -> AsyncIterator[Arena]:
    async with opened_arena(stores) as opened:
        yield opened


@pytest.mark.parametrize("verb", VERBS)
async def test_no_foreign_row_is_reached(arena: Arena, verb: str) -> None:
    one, two = arena.owners
    asked = 0
    for table in arena.tables:
        for role in arena.roles:
            for me, other in ((one, two), (two, one), (None, one)):
                assert await arena.reached(table, role, verb, me, other) == 0, f"{role} {verb} {table.name}"
                asked += 1
    assert asked == len(arena.tables) * len(arena.roles) * 3 > 0


async def test_every_owner_reaches_its_own_rows_where_it_may(arena: Arena) -> None:
    """Without this the matrix could be won by showing nobody anything."""
    one, _ = arena.owners
    assert {table.name for table in arena.tables if await arena.reached(table, "aiox_gateway", "SELECT", one, one)} == {
        table.name for table in arena.tables
    }


@pytest.mark.control
async def test_each_policy_is_needed(arena: Arena) -> None:
    """Each policy replaced by `true`, in turn: the matrix must find a foreign row for one of its roles."""
    tables = {table.name: table for table in arena.tables}
    policies = [
        row
        for row in await arena.connection.fetch(POLICIES)
        if row["table"] in tables and not set(row["roles"]) & FUNCTION_ROLES
    ]
    survivors = [
        f"{row['policy']} on {row['table']}"
        for row in policies
        if not await _leaks(arena, row["table"], row["policy"], row["verb"], row["roles"])
    ]
    assert len(policies) >= 2 * len(tables)
    assert survivors == []


async def _leaks(arena: Arena, name: str, policy: str, verb: str, roles: list[str]) -> bool:
    table = next(one for one in arena.tables if one.name == name)
    clauses = {"INSERT": "WITH CHECK (true)", "SELECT": "USING (true)", "DELETE": "USING (true)"}
    async with savepoint(arena.connection):
        lax = clauses.get(verb, "USING (true) WITH CHECK (true)")
        await arena.connection.execute(f"ALTER POLICY {policy} ON aiox.{name} {lax}")
        me, other = arena.owners
        return all(
            [
                await arena.reached(table, role, one, me, other) > 0
                for role in roles
                for one in (VERBS if verb == "ALL" else (verb,))
            ]
        )


@pytest.mark.control
async def test_each_tables_switch_is_needed(arena: Arena) -> None:
    """Row-level security switched off, and no longer forced on the tables' own owner."""
    me, other = arena.owners
    for table in arena.tables:
        for role, switch in (("aiox_gateway", "DISABLE"), ("aiox_migrator", "NO FORCE")):
            async with savepoint(arena.connection):
                await arena.connection.execute(f"ALTER TABLE aiox.{table.name} {switch} ROW LEVEL SECURITY")
                assert await arena.reached(table, role, "SELECT", me, other) > 0, f"{switch} {table.name}"


async def test_functions_reach_no_more_than_their_policies_say(arena: Arena) -> None:
    """Where a policy of finder or writer has a condition, rows that do not meet it are out of reach."""
    narrow = await _narrow(arena)
    assert narrow
    assert [str(dict(row)) for row in narrow if await _oversteps(arena, row)] == []


@pytest.mark.control
async def test_without_the_condition_they_would(arena: Arena) -> None:
    for row in await _narrow(arena):
        async with savepoint(arena.connection):
            lax = " ".join((["USING (true)"] if row["rule"] else []) + (["WITH CHECK (true)"] if row["check"] else []))
            await arena.connection.execute(f"ALTER POLICY {row['policy']} ON aiox.{row['table']} {lax}")
            assert await _oversteps(arena, row), f"{row['policy']} on {row['table']}"


async def _narrow(arena: Arena) -> list[asyncpg.Record]:
    rows = await arena.connection.fetch(POLICIES)
    return [
        row
        for row in rows
        if set(row["roles"]) & FUNCTION_ROLES
        and {row["rule"], row["check"]} - {None, "true"}
        and row["verb"] != "INSERT"
    ]


async def _oversteps(arena: Arena, row: asyncpg.Record) -> bool:
    """Whether the role sees, removes or writes more rows than meet the condition."""
    table = next(one for one in arena.tables if one.name == row["table"])
    allowed = next(rule for rule in (row["rule"], row["check"]) if rule not in (None, "true"))
    inside, total = f"SELECT count(*) FROM aiox.{table.name} WHERE {allowed}", f"SELECT count(*) FROM aiox.{table.name}"
    async with savepoint(arena.connection):
        may = int(await arena.connection.fetchval(inside))
        assert may < await arena.connection.fetchval(total), f"the arena has no row of {table.name} outside {allowed}"
        role, column = row["roles"][0], table.owner_column
        await arena.connection.execute(f"GRANT ALL ON aiox.{table.name} TO {role}")
        await arena.connection.execute(f"SET LOCAL ROLE {role}")
        statement = {
            "SELECT": f"SELECT {column} FROM aiox.{table.name}",
            "UPDATE": f"UPDATE aiox.{table.name} SET {column} = {column}",
            "DELETE": f"DELETE FROM aiox.{table.name}",
        }[row["verb"]]
        try:
            done = await arena.connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return False
        return int(done.split()[-1]) > may


async def test_the_worker_reaches_no_other_correspondent_of_its_own_owner(arena: Arena) -> None:
    owner, _ = arena.owners
    for subject, expected in (("other@localhost", 0), ("", 0), (SUBJECT, 1)):
        async with savepoint(arena.connection):
            await arena.connection.execute(
                "SELECT set_config('aiox.owner', $1, true), set_config('aiox.agent', $2, true),"
                " set_config('aiox.subject', $3, true)",
                str(owner.id),
                str(owner.agent),
                subject,
            )
            await arena.connection.execute("SET LOCAL ROLE aiox_ai_worker")
            for table in ("agent_memories", "memory_vectors_384"):
                assert await arena.connection.fetchval(f"SELECT count(*) FROM {table}") == expected


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
            [*(f"aiox_{service}" for service in SERVICES), "aiox_keeper"],
        )
    assert (strong, members) == ([], [])
