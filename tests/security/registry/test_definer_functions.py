"""docs/isolation.md lists every way across owners: compared with the catalogue, both ways."""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

from pathlib import Path

import asyncpg

from tests.security.registry.arena import savepoint
from tests.security.registry.catalogue import Connection, login_roles
from tests.stores import Stores

DOCUMENT = Path(__file__).parents[3] / "docs" / "isolation.md"
FUNCTIONS = """
    SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS function, r.rolname AS runs_as,
           (SELECT string_agg(CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE g.rolname END, ', ' ORDER BY g.rolname)
            FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x LEFT JOIN pg_roles g ON g.oid = x.grantee
            WHERE x.grantee <> p.proowner) AS callers,
           pg_get_function_result(p.oid) AS returns, p.proconfig AS config
    FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
    WHERE p.prosecdef AND p.pronamespace = 'aiox'::regnamespace ORDER BY 1"""
CALLS = """
    SELECT p.proname AS name, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS function,
           'aiox.' || p.proname || '(' || coalesce((
               SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY i)
               FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, i)), '') || ')' AS call
    FROM pg_proc p
    WHERE p.prosecdef AND p.pronamespace = 'aiox'::regnamespace AND p.prorettype <> 'trigger'::regtype ORDER BY 1"""


async def test_document_is_the_catalogue(stores: Stores) -> None:
    async with stores.superuser() as connection:
        rows = await connection.fetch(FUNCTIONS)
    expected = [
        f"| `{row['function']}` | {row['runs_as']} | {row['callers'] or 'the functions here'} | `{row['returns']}` |"
        for row in rows
    ]
    listed = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert listed == expected, "docs/isolation.md should list:\n" + "\n".join(expected)


def listed() -> dict[str, tuple[set[str], str]]:
    """Function to its callers and what it returns, as the document says."""
    rows = [line.strip("| ").split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    return {
        name.strip("`"): (
            {caller.strip() for caller in callers.split(",") if caller.strip().startswith("aiox_")},
            returns,
        )
        for name, _, callers, returns in rows
    }


async def test_every_role_that_is_not_listed_is_refused_when_it_calls(stores: Stores) -> None:
    calls = refused = 0
    document = listed()
    async with stores.superuser() as connection:
        for row in await connection.fetch(CALLS):
            callers, _ = document.get(row["function"], (set(), ""))
            for role in await login_roles(connection):
                if role == "aiox_migrator":
                    continue
                was_refused = await _is_refused(connection, role, row["call"])
                assert was_refused == (role not in callers), f"{role} calls {row['function']}"
                calls, refused = calls + 1, refused + was_refused
    assert 0 < refused < calls


async def test_every_one_returns_the_listed_columns_only(stores: Stores) -> None:
    document = listed()
    async with stores.superuser() as connection:
        for row in await connection.fetch(CALLS):
            if row["function"] not in document:
                continue  # the first test says so
            statement = await connection.prepare(f"SELECT * FROM {row['call']}")
            found = [attribute.name for attribute in statement.get_attributes()]
            shape = document[row["function"]][1].strip("`")
            parts = shape.removeprefix("TABLE(").removesuffix(")").split(", ")
            expected = [part.split()[0] for part in parts] if shape.startswith("TABLE(") else [row["name"]]
            assert found == expected, row["function"]


async def _is_refused(connection: Connection, role: str, call: str) -> bool:
    """Calls it with nothing but NULLs; any other trouble than a missing right comes after the right was there."""
    async with savepoint(connection):
        await connection.execute(f"SET LOCAL ROLE {role}")
        try:
            await connection.execute(f"SELECT * FROM {call}")
        except asyncpg.InsufficientPrivilegeError as no:
            return str(no).startswith("permission denied for function")
        except asyncpg.PostgresError:
            return False
    return False


async def test_every_one_has_a_fixed_search_path_and_a_role_that_cannot_log_in(stores: Stores) -> None:
    async with stores.superuser() as connection:
        rows = await connection.fetch(FUNCTIONS)
        logins = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolcanlogin")
    assert rows
    for row in rows:
        assert row["config"] == ["search_path=aiox, pg_temp"], row["function"]
        assert row["runs_as"] not in {login["rolname"] for login in logins}, row["function"]
        assert "PUBLIC" not in (row["callers"] or ""), row["function"]
