"""Tables that many share (organisations and what hangs on them): every table x every verb x every role in it.

Which they are comes from the catalogue: whatever has row-level security for people and is no owner table. The attacker
holds every right but the policies' and writes no WHERE. The control takes each policy out in turn, and a stranger gets
through.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.security.registry.arena import VERBS, opened_arena, savepoint
from tests.security.registry.catalogue import Connection
from tests.stores import Stores

ROLES: Final = ("owner", "admin", "approver", "auditor", "member")
RULERS: Final = frozenset({"owner", "admin"})
ALL: Final = frozenset(ROLES)
NOBODY: Final[frozenset[str]] = frozenset()
STRANGER: Final = "stranger"


@dataclass(frozen=True)
class Shared:
    """A table, the column that names the organisation, one that may be set to anything, and who may what."""

    organisation: str
    harmless: str
    may: dict[str, frozenset[str]]
    row: str
    """A row of organisation $1, made by person $2, as a SELECT list."""


TABLES: Final = {
    "organisations": Shared(
        "id",
        "name = 'x'",
        {"SELECT": ALL, "INSERT": NOBODY, "UPDATE": RULERS, "DELETE": NOBODY},
        "$1::uuid AS id, $2::uuid::text AS name, now() AS created_at",
    ),
    "memberships": Shared(
        "organisation_id",
        "role = 'auditor'",
        {"SELECT": ALL, "INSERT": NOBODY, "UPDATE": RULERS, "DELETE": ALL},
        "$1::uuid AS organisation_id, $2::uuid AS user_id, 'member' AS role, now() AS created_at",
    ),
    "invitations": Shared(
        "organisation_id",
        "email = 'x'",
        {"SELECT": RULERS, "INSERT": RULERS, "UPDATE": NOBODY, "DELETE": RULERS},
        "gen_random_uuid() AS id, $1::uuid AS organisation_id, 'a@b' AS email, 'member' AS role,"
        " sha256(gen_random_uuid()::text::bytea) AS hash, $2::uuid AS invited_by, now() AS created_at,"
        " now() AS expires_at",
    ),
    "policies": Shared(
        "scope",
        "text = 'x'",
        {"SELECT": ALL, "INSERT": RULERS, "UPDATE": NOBODY, "DELETE": NOBODY},
        "$1::uuid AS scope, (random() * 1e9)::int + 9 AS version, '' AS text, '' AS digest, $2::uuid::text AS author,"
        " now() AS created_at",
    ),
    "active_policies": Shared(
        "scope",
        "version = 7",
        {"SELECT": ALL, "INSERT": RULERS, "UPDATE": RULERS, "DELETE": NOBODY},
        "$1::uuid AS scope, length($2::uuid::text) AS version, now() AS changed_at",
    ),
    "group_quotas": Shared(
        "name",
        "changed_at = now()",
        {"SELECT": ALL, "INSERT": RULERS, "UPDATE": RULERS, "DELETE": RULERS},
        "'organisation' AS kind, $1::uuid::text AS name, 'organisation' AS set_by,"
        " now() - length($2::uuid::text) * interval '1 s' AS changed_at",
    ),
}
POLICIES: Final = """
    SELECT p.tablename AS "table", p.policyname AS policy, p.cmd AS verb FROM pg_policies p
    WHERE p.schemaname = 'aiox' AND p.roles && ARRAY['aiox_gateway']::name[]
      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ('aiox.' || p.tablename)::regclass
                      AND a.attname = 'owner_user_id') AND p.tablename <> 'users' ORDER BY 1, 2"""


@dataclass(frozen=True)
class Houses:
    """Two organisations with a row in every shared table; `people` are in `mine`, one in each role, and a stranger."""

    connection: Connection
    mine: UUID
    other: UUID
    people: dict[str, UUID]

    async def reached(self, table: str, verb: str, who: UUID | None, whose: UUID) -> bool:
        """Whether a statement without any WHERE reads, adds, changes or removes a row of the organisation `whose`."""
        async with savepoint(self.connection):
            await self.connection.execute("SELECT set_config('aiox.owner', $1, true)", "" if who is None else str(who))
            before = await self._rows_of(table, whose)
            try:
                async with savepoint(self.connection, keep=True):
                    await self.connection.execute("SET LOCAL ROLE aiox_gateway")
                    if verb == "SELECT":
                        return bool(await self._rows_of(table, whose))
                    await self._attack(table, verb, who or uuid4(), whose)
            except asyncpg.InsufficientPrivilegeError:
                return False
            except asyncpg.UniqueViolationError:
                return True  # past the policy: what stopped it was another row
            await self.connection.execute("RESET ROLE")
            return before != await self._rows_of(table, whose)

    async def _rows_of(self, table: str, whose: UUID) -> list[str]:
        rows = await self.connection.fetch(
            f"SELECT to_jsonb(t)::text AS row FROM aiox.{table} t WHERE {TABLES[table].organisation}::text = $1"
            " ORDER BY 1",
            str(whose),
        )
        return [row["row"] for row in rows]

    async def _attack(self, table: str, verb: str, who: UUID, whose: UUID) -> None:
        if verb == "INSERT":
            await self.put(table, whose, who)
        elif verb == "UPDATE":  # sets a constant, so that no SELECT policy hides a lax UPDATE policy
            await self.connection.execute(f"UPDATE aiox.{table} SET {TABLES[table].harmless}")
        else:
            await self.connection.execute(f"DELETE FROM aiox.{table}")

    async def put(self, table: str, whose: UUID, who: UUID) -> None:
        """Adds a row to an organisation."""
        names = await self.connection.prepare(f"SELECT {TABLES[table].row}")
        columns = ", ".join(attribute.name for attribute in names.get_attributes())
        await self.connection.execute(f"INSERT INTO aiox.{table} ({columns}) SELECT {TABLES[table].row}", whose, who)


@pytest.fixture
async def houses(stores: Stores) -> AsyncIterator[Houses]:
    async with opened_arena(stores) as arena:
        await arena.connection.execute("SET LOCAL search_path = aiox")
        people = {role: uuid4() for role in (*ROLES, STRANGER)}
        found = Houses(arena.connection, uuid4(), uuid4(), people)
        for organisation in (found.mine, found.other):
            for table in TABLES:
                await found.put(table, organisation, uuid4())
        for role in ROLES:
            await arena.connection.execute(
                "INSERT INTO memberships VALUES ($1, $2, $3, now())", found.mine, people[role], role
            )
        yield found


async def test_every_shared_table_is_known(houses: Houses) -> None:
    assert {row["table"] for row in await houses.connection.fetch(POLICIES)} == set(TABLES)


async def test_no_row_of_another_organisation_is_reached(houses: Houses) -> None:
    for table in TABLES:
        for verb in VERBS:
            for role, who in (*houses.people.items(), ("nobody", None)):
                assert not await houses.reached(table, verb, who, houses.other), f"{role} {verb} {table}"


async def test_each_role_reaches_in_its_own_what_it_may_and_no_more(houses: Houses) -> None:
    for table, shared in TABLES.items():
        for verb in VERBS:
            for role, who in houses.people.items():
                reached = await houses.reached(table, verb, who, houses.mine)
                assert reached == (role in shared.may[verb]), f"{role} {verb} {table}"


async def test_only_an_owner_touches_an_owner(houses: Houses) -> None:
    """An admin rules over all others: without a WHERE, what is left of an organisation are its owners."""
    async with savepoint(houses.connection):
        await houses.connection.execute("SELECT set_config('aiox.owner', $1, true)", str(houses.people["admin"]))
        await houses.connection.execute("SET LOCAL ROLE aiox_gateway")
        await houses.connection.execute("DELETE FROM memberships")
        await houses.connection.execute("RESET ROLE")
        left = await houses.connection.fetch("SELECT role FROM memberships WHERE organisation_id = $1", houses.mine)
    assert [row["role"] for row in left] == ["owner"]


@pytest.mark.control
async def test_each_policy_is_needed(houses: Houses) -> None:
    """Each replaced by `true` in turn: a stranger reaches a row of somebody else's organisation."""
    policies = await houses.connection.fetch(POLICIES)
    survivors = [f"{row['policy']} on {row['table']}" for row in policies if not await _lets_in(houses, row)]
    assert len(policies) > len(TABLES)
    assert survivors == []


async def _lets_in(houses: Houses, row: asyncpg.Record) -> bool:
    """Whether a stranger gets through once this policy says `true`."""
    clauses = {"INSERT": "WITH CHECK (true)", "SELECT": "USING (true)", "DELETE": "USING (true)"}
    async with savepoint(houses.connection):
        lax = clauses.get(row["verb"], "USING (true) WITH CHECK (true)")
        await houses.connection.execute(f"ALTER POLICY {row['policy']} ON aiox.{row['table']} {lax}")
        verbs = VERBS if row["verb"] == "ALL" else (row["verb"],)
        return all([await houses.reached(row["table"], verb, houses.people[STRANGER], houses.other) for verb in verbs])
