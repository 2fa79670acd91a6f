"""What the schema is, piece by piece, as the catalogue says: to compare a live database with what the revisions make.

Readable for every role. The same pieces come from revisions that were just tried out (registry.migrate).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from aiox.runtime.postgres import Connection, LoneConnection

Snapshot: TypeAlias = "Mapping[str, str]"
"""Piece (`policy own on executions`) to its definition, which means something to compare and no more."""

_FOLDER: Final = Path(__file__).parent / "migrations"
_SHOWN: Final = 8

PIECES: Final = """
WITH ours AS (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
           c.relpartbound, c.relacl
    FROM pg_class c WHERE c.relnamespace = 'aiox'::regnamespace AND c.relname <> 'alembic_version'
)
SELECT 'table ' || relname AS piece,
       concat_ws(' ', relkind, pg_get_userbyid(relowner), 'rls', relrowsecurity, 'forced', relforcerowsecurity,
                 pg_get_expr(relpartbound, oid), pg_get_partkeydef(oid)) AS definition
FROM ours WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT 'column ' || a.attname || ' of ' || o.relname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity,
                 pg_get_expr(d.adbin, d.adrelid))
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = a.attnum WHERE o.relkind IN ('r', 'p', 'v', 'm', 'c')
UNION ALL
SELECT 'constraint ' || k.conname || ' on ' || o.relname, concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated)
FROM pg_constraint k JOIN ours o ON o.oid = k.conrelid WHERE k.contype <> 'n'
UNION ALL
SELECT 'index ' || o.relname, concat_ws(' ', pg_get_indexdef(o.oid), i.indisvalid)
FROM ours o JOIN pg_index i ON i.indexrelid = o.oid
UNION ALL
SELECT 'policy ' || p.policyname || ' on ' || p.tablename,
       concat_ws(' ', p.permissive, p.cmd, 'to', array_to_string(p.roles, ','), 'using', p.qual, 'check', p.with_check)
FROM pg_policies p WHERE p.schemaname = 'aiox'
UNION ALL
SELECT 'right of ' || coalesce(g.rolname, 'PUBLIC') || ' on ' || o.relname,
       string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ',' ORDER BY x.privilege_type)
FROM ours o, aclexplode(o.relacl) x LEFT JOIN pg_roles g ON g.oid = x.grantee GROUP BY 1
UNION ALL
SELECT 'right of ' || coalesce(g.rolname, 'PUBLIC') || ' on ' || o.relname || '.' || a.attname,
       string_agg(x.privilege_type, ',' ORDER BY x.privilege_type)
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND NOT a.attisdropped, aclexplode(a.attacl) x
LEFT JOIN pg_roles g ON g.oid = x.grantee GROUP BY 1
UNION ALL
SELECT 'right of ' || coalesce(g.rolname, 'PUBLIC') || ' on the schema',
       string_agg(x.privilege_type, ',' ORDER BY x.privilege_type)
FROM pg_namespace n, aclexplode(n.nspacl) x LEFT JOIN pg_roles g ON g.oid = x.grantee
WHERE n.nspname = 'aiox' GROUP BY 1
UNION ALL
SELECT 'function ' || p.oid::regprocedure,
       concat_ws(' ', pg_get_userbyid(p.proowner), l.lanname, p.provolatile, p.prosecdef, p.proconfig::text,
                 pg_get_function_result(p.oid), encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'))
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'aiox'::regnamespace
UNION ALL
SELECT 'right of ' || coalesce(g.rolname, 'PUBLIC') || ' on ' || p.oid::regprocedure, x.privilege_type
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
LEFT JOIN pg_roles g ON g.oid = x.grantee WHERE p.pronamespace = 'aiox'::regnamespace
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || o.relname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
FROM pg_trigger t JOIN ours o ON o.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'type ' || t.typname, concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod), (
           SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid), (
           SELECT string_agg(pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_constraint k
           WHERE k.contypid = t.oid AND k.contype = 'c'))
FROM pg_type t WHERE t.typnamespace = 'aiox'::regnamespace AND t.typtype IN ('d', 'e')
UNION ALL
SELECT 'role ' || r.rolname,
       concat_ws(' ', r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolcanlogin, (
           SELECT string_agg(g.rolname, ',' ORDER BY g.rolname)
           FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid))
FROM pg_roles r WHERE r.rolname LIKE 'aiox\\_%'"""


async def snapshot(connection: asyncpg.Connection[asyncpg.Record] | Connection | LoneConnection) -> dict[str, str]:
    """The schema `aiox` of the database behind `connection`, whatever its role. Raises asyncpg.PostgresError."""
    rows = await connection.fetch(PIECES)
    return {row["piece"]: row["definition"] for row in rows}


def differences(expected: Snapshot, found: Snapshot) -> Sequence[str]:
    """What differs, a few words each: missing, not from any revision, or other than the revisions make it."""
    words = [f"{piece} is missing" for piece in expected.keys() - found.keys()]
    words += [f"{piece} comes from no revision" for piece in found.keys() - expected.keys()]
    words += [
        f"{piece} is not as the revisions make it"
        for piece in expected.keys() & found.keys()
        if expected[piece] != found[piece]
    ]
    return sorted(words)


def sentence(words: Sequence[str]) -> str:
    """What differs as one sentence for the operator; the first few, and how many more."""
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return (
        f"the database is not what the revisions make: {'; '.join(words[:_SHOWN])}{more}."
        " Mend: undo what was changed by hand, or restore a backup; 'aiox migrate --check' shows all of it"
    )


def revisions_digest() -> str:
    """Names the state of the revisions' own code: 16 hex digits that change whenever a revision or its helpers do."""
    digest = hashlib.sha256()
    for path in sorted([*_FOLDER.glob("*.py"), *_FOLDER.glob("versions/*.py"), _FOLDER / "roles.sql"]):
        digest.update(path.name.encode() + b"\x1f" + path.read_bytes() + b"\x1e")
    return digest.hexdigest()[:16]
