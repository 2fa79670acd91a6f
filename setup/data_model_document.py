"""Writes docs/data-model.md from the catalogue of a running hub (AIOX_HOME). A test compares it with a fresh one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import load_settings

DOCUMENT: Final = Path("docs/data-model.md")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Rows: TypeAlias = "Sequence[asyncpg.Record]"

HEADER: Final = """# Data model

Tables of schema `aiox`, generated from the database's catalogue by `python -m setup.data_model_document`; do not edit.
Rights are those granted to services; `finder` and `writer` own the functions in [isolation.md](isolation.md). Columns
in brackets after a right mean that it holds for these only. On a table marked *by owner*, row-level security shows a
service the rows of one owner, and a worker those of one agent and correspondent.
"""

_COLUMNS: Final = """
    SELECT c.relname AS "table", c.relrowsecurity AND c.relforcerowsecurity AS guarded, c.relkind = 'p' AS partitioned,
           a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
           coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS "default", a.attgenerated <> '' AS generated
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> 'alembic_version'
    ORDER BY c.relname, a.attnum"""
_RULES: Final = """
    SELECT conrelid::regclass::text AS "table", pg_get_constraintdef(oid) AS rule FROM pg_constraint
    WHERE connamespace = 'aiox'::regnamespace AND contype IN ('p', 'u', 'f', 'c') AND conparentid = 0
      AND NOT (SELECT relispartition FROM pg_class WHERE oid = conrelid)
    ORDER BY 1, array_position('{p,u,f,c}'::"char"[], contype), 2"""
_RIGHTS: Final = """
    SELECT "table", role, string_agg(verb || columns, ', ' ORDER BY verb) AS rights FROM (
        SELECT c.relname AS "table", g.rolname AS role, x.privilege_type AS verb, '' AS columns
        FROM pg_class c, aclexplode(c.relacl) x JOIN pg_roles g ON g.oid = x.grantee
        WHERE c.relnamespace = 'aiox'::regnamespace AND x.grantee <> c.relowner
        UNION ALL
        SELECT c.relname, g.rolname, x.privilege_type, ' (' || string_agg(a.attname, ', ' ORDER BY a.attnum) || ')'
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x
        JOIN pg_roles g ON g.oid = x.grantee
        WHERE c.relnamespace = 'aiox'::regnamespace GROUP BY 1, 2, 3) granted
    GROUP BY 1, 2 ORDER BY 1, 2"""


async def document(connection: Connection) -> str:
    """The page for the database behind `connection`, whose search path is `aiox`."""
    columns = await connection.fetch(_COLUMNS)
    rules = await connection.fetch(_RULES)
    rights = await connection.fetch(_RIGHTS)
    tables = groupby(columns, key=lambda row: str(row["table"]))
    return "\n".join([HEADER, *(_table(name, list(rows), rules, rights) for name, rows in tables)])


def _table(name: str, columns: Rows, rules: Rows, rights: Rows) -> str:
    kind = ["by owner"] if columns[0]["guarded"] else []
    kind += ["HASH partitions by owner"] if columns[0]["partitioned"] else []
    lines = [f"## {name}", ""]
    if kind:
        lines += [f"*{', '.join(kind)}*", ""]
    lines += ["| column | type | required | default |", "|---|---|---|---|"]
    lines += [_column(row) for row in columns]
    lines += ["", *(f"- `{row['rule']}`" for row in rules if row["table"] == name)]
    lines += ["", *(_right(row) for row in rights if row["table"] == name), ""]
    return "\n".join(lines)


def _column(row: asyncpg.Record) -> str:
    default = f"`{row['default']}`" if row["default"] else ""
    if row["generated"]:
        default = f"always {default}"
    return f"| {row['name']} | {row['type']} | {'yes' if row['required'] else ''} | {default} |".replace("  |", " |")


def _right(row: asyncpg.Record) -> str:
    return f"- {str(row['role']).removeprefix('aiox_')}: {row['rights']}"


async def _main() -> None:
    settings = load_settings()
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=settings.ports.postgres,
        user="postgres",
        password=Secrets.of(settings.home, "stack").read("postgres"),
        database="aiox",
        server_settings={"search_path": "aiox"},
    )
    try:
        DOCUMENT.write_text(await document(connection))
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(_main())
