"""docs/isolation.md lists every way across owners: compared with the catalogue, both ways."""

from __future__ import annotations

from pathlib import Path

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


async def test_document_is_the_catalogue(stores: Stores) -> None:
    async with stores.superuser() as connection:
        rows = await connection.fetch(FUNCTIONS)
    expected = [
        f"| `{row['function']}` | {row['runs_as']} | {row['callers'] or 'the functions here'} | `{row['returns']}` |"
        for row in rows
    ]
    listed = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert listed == expected, "docs/isolation.md should list:\n" + "\n".join(expected)


async def test_every_one_has_a_fixed_search_path_and_a_role_that_cannot_log_in(stores: Stores) -> None:
    async with stores.superuser() as connection:
        rows = await connection.fetch(FUNCTIONS)
        logins = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolcanlogin")
    assert rows
    for row in rows:
        assert row["config"] == ["search_path=aiox, pg_temp"], row["function"]
        assert row["runs_as"] not in {login["rolname"] for login in logins}, row["function"]
        assert "PUBLIC" not in (row["callers"] or ""), row["function"]
