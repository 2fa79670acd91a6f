"""Drift: whatever is changed by hand in the schema is named, and nothing starts on it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from aiox.cli.stack import postgres as postgres_part
from aiox.cli.stack import schema
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.postgres import connect_database
from aiox.runtime.settings import environment
from registry.drift import differences, sentence, snapshot
from tests.stack import Place
from tests.stores import SERVICES

CHANGES = {
    "a policy made lax": ("ALTER POLICY own ON aiox.executions USING (true)", "policy own on executions"),
    "a policy taken away": ("DROP POLICY own_worker ON aiox.agent_memories", "policy own_worker on agent_memories"),
    "row-level security off": ("ALTER TABLE aiox.documents DISABLE ROW LEVEL SECURITY", "table documents"),
    "no longer forced": ("ALTER TABLE aiox.documents NO FORCE ROW LEVEL SECURITY", "table documents"),
    "a right too many": ("GRANT SELECT ON aiox.users TO aiox_ai_worker", "right of aiox_ai_worker on users"),
    "a right on a column": ("GRANT SELECT (password_hash) ON aiox.users TO aiox_component", "on users.password_hash"),
    "a right for all": ("GRANT EXECUTE ON FUNCTION aiox.find_login(text) TO PUBLIC", "right of PUBLIC on find_login"),
    "a trigger off": ("ALTER TABLE aiox.audit_logs DISABLE TRIGGER append_only", "trigger append_only on audit_logs"),
    "a function's body": (
        "CREATE OR REPLACE FUNCTION aiox.current_owner() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT NULL::uuid $$",
        "function current_owner()",
    ),
    "a function's owner": ("ALTER FUNCTION aiox.find_login(text) OWNER TO postgres", "function find_login(text)"),
    "a search path": ("ALTER FUNCTION aiox.find_login(text) RESET search_path", "function find_login(text)"),
    "a check less": ("ALTER TABLE aiox.executions DROP CONSTRAINT input_is_sealed", "input_is_sealed on executions"),
    "a column more": ("ALTER TABLE aiox.users ADD note text", "column note of users"),
    "a column's type": ("ALTER TABLE aiox.ai_workers ALTER host TYPE varchar(9)", "column host of ai_workers"),
    "a column that may be empty": ("ALTER TABLE aiox.inbox ALTER outcome DROP NOT NULL", "column outcome of inbox"),
    "an index less": ("DROP INDEX aiox.outbox_unsent", "index outbox_unsent"),
    "a table more": ("CREATE TABLE aiox.notes (id int)", "table notes"),
    "a table's owner": ("ALTER TABLE aiox.users OWNER TO postgres", "table users"),
    "a role that may all": ("ALTER ROLE aiox_gateway BYPASSRLS", "role aiox_gateway"),
    "a role in another": ("GRANT aiox_writer TO aiox_gateway", "role aiox_gateway"),
}


@pytest.mark.parametrize(("statement", "named"), CHANGES.values(), ids=list(CHANGES))
async def test_what_was_changed_by_hand_is_named(postgres: Place, statement: str, named: str) -> None:
    expected = await schema.ensure_expected(postgres.home, postgres.settings.ports.postgres)
    password = postgres.home.secrets("stack").read("postgres")
    connection = await connect_database(postgres.settings.ports.postgres, "postgres", password, "aiox")
    transaction = connection.transaction()
    await transaction.start()
    try:
        assert differences(expected, await snapshot(connection)) == []
        await connection.execute(statement)
        assert named in sentence(differences(expected, await snapshot(connection)))
    finally:
        await transaction.rollback()
        await connection.close()


async def test_no_service_starts_on_it_and_migrating_does_not_hide_it(postgres: Place) -> None:
    port = postgres.settings.ports.postgres
    await postgres_part.sql(postgres.home, port, "aiox", "ALTER POLICY own ON aiox.inbox USING (true)")
    try:
        for service in SERVICES:
            with pytest.raises(CannotGoOn, match="policy own on inbox"):
                await schema.check_as(postgres.settings, postgres.home.secrets(service), service)
        with pytest.raises(CannotGoOn, match="policy own on inbox"):
            await postgres_part.migrate(postgres.home, port)
        status, said = await shell(postgres, "migrate", "--check")
        assert (status, said.strip()) == (1, "policy own on inbox is not as the revisions make it")
        status, said = await shell(postgres, "run", "gateway")
        assert status == 1
        assert "policy own on inbox is not as the revisions make it" in said
    finally:
        back = "ALTER POLICY own ON aiox.inbox USING (owner_user_id = aiox.current_owner())"
        await postgres_part.sql(postgres.home, port, "aiox", back)


@pytest.mark.control
async def test_what_the_revisions_make_is_taken(postgres: Place) -> None:
    assert await schema.found_differences(postgres.home, postgres.settings.ports.postgres) == []
    for service in SERVICES:
        await schema.check_as(postgres.settings, postgres.home.secrets(service), service)
    status, said = await shell(postgres, "migrate", "--check")
    assert (status, said.startswith("The database is what revision")) == (0, True)


async def test_trying_the_revisions_out_leaves_nothing_behind(postgres: Place) -> None:
    port = postgres.settings.ports.postgres
    ask = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'aiox%'"
    next((postgres.home.root / "schema").glob("*.json")).unlink()
    assert await schema.found_differences(postgres.home, port) == []
    assert await postgres_part.sql(postgres.home, port, "aiox", ask) == "aiox"


async def test_a_service_does_not_start_where_nobody_has_looked(postgres: Place) -> None:
    known = next((postgres.home.root / "schema").glob("*.json"))
    text = known.read_text()
    known.unlink()
    try:
        with pytest.raises(CannotGoOn, match="aiox migrate"):
            await schema.check_as(postgres.settings, postgres.home.secrets("gateway"), "gateway")
    finally:
        known.write_text(text)


def test_the_sentence_names_the_first_few() -> None:
    words = differences({str(one): "" for one in range(20)}, {"more": ""})
    assert len(words) == 21
    assert "and 13 more" in sentence(words)
    assert "more comes from no revision" in str(words)


async def shell(place: Place, *words: str) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=Path(__file__).parents[5],
        env=environment(place.home.root),
    )
    said = (await child.communicate())[0].decode()
    return child.returncode or 0, said
