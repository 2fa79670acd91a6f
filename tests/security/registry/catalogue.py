"""Owner tables as the catalogue knows them, and a row for any of them, made from its types.

A new table is covered without a line here: foreign keys, triggers and checks are out of the way when a row is stored.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SUBJECT: Final = "guest@localhost"

_TABLES: Final = """
    SELECT c.relname AS name,
           CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'owner_user_id'
                             AND a.attgenerated = '') THEN 'owner_user_id'
                WHEN c.relname = 'users' THEN 'id' ELSE 'user_id' END AS owner_column
    FROM pg_class c
    WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND (c.relname = 'users' OR EXISTS (
          SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'owner_user_id'))
    ORDER BY 1"""
_COLUMNS: Final = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AND d.adbin IS NULL AS needed
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = ('aiox.' || $1)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND a.attidentity = ''
    ORDER BY a.attnum"""
_CHECKS: Final = """
    SELECT conrelid::regclass AS "table", conname AS name FROM pg_constraint
    WHERE connamespace = 'aiox'::regnamespace AND contype = 'c' AND conparentid = 0 AND conislocal
      AND conrelid <> 0"""
_LOGIN_ROLES: Final = """
    SELECT rolname FROM pg_roles
    WHERE rolcanlogin AND rolname LIKE 'aiox\\_%' AND has_schema_privilege(oid, 'aiox', 'USAGE') ORDER BY 1"""


@dataclass(frozen=True)
class Column:
    """A column that can be written. `needed`: NOT NULL and without a default."""

    name: str
    type: str
    needed: bool


@dataclass(frozen=True)
class OwnerTable:
    """A table with owners. `owner_column` is the one to write, not one that is generated from it."""

    name: str
    owner_column: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> str:
        """All columns that can be written."""
        return ", ".join(column.name for column in self.columns)


async def owner_tables(connection: Connection) -> list[OwnerTable]:
    """All owner tables of the catalogue."""
    found = []
    for row in await connection.fetch(_TABLES):
        columns = tuple(
            Column(one["name"], one["type"], one["needed"]) for one in await connection.fetch(_COLUMNS, row["name"])
        )
        found.append(OwnerTable(row["name"], row["owner_column"], columns))
    return found


async def login_roles(connection: Connection) -> list[str]:
    """Whoever can log in and enter the schema, the migrator among them."""
    return [row["rolname"] for row in await connection.fetch(_LOGIN_ROLES)]


def row_of(table: OwnerTable, owner: UUID, agent: UUID, *, full: bool = False) -> dict[str, Any]:
    """A row that the table's types let in; foreign keys lead nowhere. `full`: with what may be left out, too."""
    row = {column.name: _value(column) for column in table.columns if column.needed or full}
    named = {"agent_id": str(agent), "scope": "subject", "subject_jid": SUBJECT}
    present = {column.name for column in table.columns}
    row |= {name: value for name, value in named.items() if name in present and name != table.owner_column}
    if table.name == "agents":
        row["id"] = str(agent)
    return row | {table.owner_column: str(owner)}


def _value(column: Column) -> Any:
    kind = column.type.split("(")[0].removeprefix("public.")
    if kind.endswith("[]"):
        return "{}"
    values: dict[str, Any] = {
        "uuid": str(uuid4()),
        "jsonb": {},
        "json": {},
        "boolean": True,
        "bytea": "\\x00000001" + uuid4().hex * 3,
        "halfvec": "[" + ",".join(["0.5"] * 384) + "]",
        "timestamp with time zone": "2026-01-02T03:04:05Z",
        "date": "2026-01-02",
        "interval": "1 day",
        "inet": "192.0.2.1",
    }
    if kind in values:
        return values[kind]
    if kind in ("integer", "bigint", "smallint", "numeric", "double precision", "real"):
        # Also a key, here and there: far above those that other tests have used up.
        return 20_000 + secrets.randbelow(10_000) if kind == "smallint" else 10**9 + secrets.randbelow(10**9)
    if kind in ("text", "character varying"):
        return uuid4().hex
    raise AssertionError(f"catalogue.py makes no value of type {column.type} ({column.name}): add one to _value")


async def drop_checks(connection: Connection) -> None:
    """Takes the CHECK constraints away, until the transaction is rolled back."""
    for row in await connection.fetch(_CHECKS):
        await connection.execute(f'ALTER TABLE aiox.{row["table"]} DROP CONSTRAINT "{row["name"]}"')


async def insert(connection: Connection, table: OwnerTable, row: Mapping[str, Any]) -> None:
    """Stores a row as it is; columns that it leaves out get their defaults. Raises what PostgreSQL refuses."""
    names = ", ".join(row)
    source = f"jsonb_populate_record(NULL::aiox.{table.name}, $1)"
    await connection.execute(f"INSERT INTO aiox.{table.name} ({names}) SELECT {names} FROM {source}", json.dumps(row))
