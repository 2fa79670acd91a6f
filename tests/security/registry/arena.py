"""Two owners with a row in every table, and an attacker with every right but the policies'. Nothing is ever committed.

Foreign keys, triggers (session_replication_role) and checks are out of the way for the whole transaction, so that only
row-level security stands between a statement and a row.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from tests.security.registry.catalogue import (
    SUBJECT,
    Connection,
    OwnerTable,
    drop_checks,
    insert,
    login_roles,
    owner_tables,
    row_of,
)
from tests.stores import Stores

VERBS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Owner:
    """An owner with an agent, and a row in every table."""

    id: UUID
    agent: UUID


@dataclass(frozen=True)
class Arena:
    """The connection is the superuser's, inside a transaction that is rolled back at the end."""

    connection: Connection
    tables: list[OwnerTable]
    roles: list[str]
    owners: tuple[Owner, Owner]

    async def reached(self, table: OwnerTable, role: str, verb: str, me: Owner | None, other: Owner) -> int:
        """How many rows of `other` a statement without any WHERE reads, adds, takes over or removes as `me`.

        The attacker claims the other's agent and correspondent, for rules that ask for them too.
        """
        async with savepoint(self.connection):
            await self._claim(me, other)
            before = await self._rows_of(table, other)
            if verb == "SELECT":
                await self.connection.execute(f"SET LOCAL ROLE {role}")
                return await self._rows_of(table, other)
            try:
                async with savepoint(self.connection, keep=True):
                    await self.connection.execute(f"SET LOCAL ROLE {role}")
                    await self._attack(table, verb, me, other)
            except asyncpg.InsufficientPrivilegeError:
                return 0
            except asyncpg.UniqueViolationError:
                return 1  # past the policy: what stopped it was another row
            await self.connection.execute("RESET ROLE")
            return abs(before - await self._rows_of(table, other))

    async def _claim(self, me: Owner | None, other: Owner) -> None:
        await self.connection.execute(
            "SELECT set_config('aiox.owner', $1, true), set_config('aiox.agent', $2, true),"
            " set_config('aiox.subject', $3, true)",
            "" if me is None else str(me.id),
            str(other.agent),
            SUBJECT,
        )

    async def _rows_of(self, table: OwnerTable, owner: Owner) -> int:
        found = await self.connection.fetch(f"SELECT {table.owner_column} AS owner FROM aiox.{table.name}")
        return sum(row["owner"] == owner.id for row in found)

    async def _attack(self, table: OwnerTable, verb: str, me: Owner | None, other: Owner) -> None:
        if verb == "INSERT":
            await insert(self.connection, table, row_of(table, other.id, uuid4()))
        elif verb == "UPDATE":  # sets a constant, so that no SELECT policy hides a lax UPDATE policy
            thief = str(uuid4() if me is None else me.id)
            await self.connection.execute(f"UPDATE aiox.{table.name} SET {table.owner_column} = '{thief}'")
        else:
            await self.connection.execute(f"DELETE FROM aiox.{table.name}")


@asynccontextmanager
async def opened_arena(stores: Stores) -> AsyncIterator[Arena]:
    """The arena, with every right granted to every role that can log in."""
    async with stores.superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("SET LOCAL session_replication_role = replica")
            await drop_checks(connection)
            tables, roles = await owner_tables(connection), await login_roles(connection)
            owners = (Owner(uuid4(), uuid4()), Owner(uuid4(), uuid4()))
            for table in tables:
                for owner, full in zip(owners, (False, True), strict=True):
                    await insert(connection, table, row_of(table, owner.id, owner.agent, full=full))
            for role in roles:
                await connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA aiox TO {role}")
            yield Arena(connection, tables, roles, owners)
        finally:
            await transaction.rollback()


@asynccontextmanager
async def savepoint(connection: Connection, *, keep: bool = False) -> AsyncIterator[None]:
    """A nested transaction; rolled back in the end unless it is to be kept, and whenever it breaks."""
    nested = connection.transaction()
    await nested.start()
    try:
        yield
    except BaseException:
        await nested.rollback()
        raise
    if keep:
        await nested.commit()
    else:
        await nested.rollback()
