"""The right to erasure, from the catalogue: every owner table is emptied, or stands in STAYS with the reason.

What stays holds nothing of the person but ids. Rows of others are not touched. And once an erasure has begun, no table
takes a row of, or about, the person any more; the control shows the same row being taken without the mark.
"""

# ruff: noqa: S608 -- names come from the catalogue

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from registry.migrations.guard import PERSONS, STAYS
from registry.personal_data import EXPORTED, NOT_EXPORTED
from tests.security.registry.arena import Arena, Owner, opened_arena
from tests.security.registry.catalogue import SUBJECT, Connection, OwnerTable, insert, owner_tables, row_of
from tests.stores import Stores

JID = "erased@localhost"
BEGIN = "SELECT begin_erasure(gen_random_uuid(), $1, $2, 1)"
ERASE = "SELECT erase_person($1, $2)"
CAN_BE_DELETED = """
    SELECT relname FROM pg_class WHERE relnamespace = 'aiox'::regnamespace AND relkind IN ('r', 'p')
      AND NOT relispartition AND has_table_privilege('aiox_eraser', oid, 'DELETE')"""
TO_USERS = """
    SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint
    WHERE connamespace = 'aiox'::regnamespace AND contype = 'f' AND confrelid = 'aiox.users'::regclass"""


@pytest.fixture
async def arena(stores: Stores) -> AsyncIterator[Arena]:
    async with opened_arena(stores) as opened:
        await opened.connection.execute("SET LOCAL search_path = aiox")
        yield opened


async def rows(connection: Connection, table: OwnerTable, owner: UUID) -> list[str]:
    found = await connection.fetch(
        f"SELECT to_jsonb(t)::text AS row FROM aiox.{table.name} t WHERE {table.owner_column} = $1 ORDER BY 1", owner
    )
    return [row["row"] for row in found]


async def erase(arena: Arena, account: UUID | None, jid: str) -> None:
    await arena.connection.execute(BEGIN, account, jid)
    await arena.connection.execute(ERASE, account, jid)


async def test_every_owner_table_is_emptied_or_stays_for_a_reason(arena: Arena) -> None:
    ada, bob = arena.owners
    before = {table.name: await rows(arena.connection, table, bob.id) for table in arena.tables}
    await erase(arena, ada.id, JID)
    for table in arena.tables:
        left = await rows(arena.connection, table, ada.id)
        assert bool(left) == (table.name in STAYS), f"{table.name} is neither emptied nor named in guard.STAYS"
        assert await rows(arena.connection, table, bob.id) == before[table.name], f"{table.name}: a bystander's row"


async def test_what_stays_has_its_reason_and_is_no_more_than_that(arena: Arena) -> None:
    names = {table.name for table in arena.tables}
    assert set(STAYS) - names <= {"agent_addresses"}
    assert all(STAYS.values())
    deletable = {row["relname"] for row in await arena.connection.fetch(CAN_BE_DELETED)}
    assert names - set(STAYS) <= deletable
    assert not set(STAYS) & deletable


async def test_of_the_account_nothing_is_left_but_its_id(arena: Arena) -> None:
    ada = arena.owners[0]
    users = next(table for table in arena.tables if table.name == "users")
    texts = {"email": "ada@example.org", "jid": JID, "password_hash": "a hash"}
    await arena.connection.execute(
        "UPDATE users SET email = $2, jid = $3, password_hash = $4 WHERE id = $1", ada.id, *texts.values()
    )
    await erase(arena, ada.id, JID)
    (left,) = await rows(arena.connection, users, ada.id)
    assert not [text for text in texts.values() if text in left]
    kept = {name for name, value in json.loads(left).items() if value not in (None, "", {}, f"erased:{ada.id}")}
    assert kept <= {"id", "created_at", "deactivated_at", "xmpp_password"}, "a column that says something of a person"


@pytest.mark.parametrize("account", [True, False])
async def test_what_others_hold_about_the_person_goes(arena: Arena, account: bool) -> None:
    """SUBJECT stands in the rows of both owners; it is a guest, or an account that owns nothing."""
    person = uuid4() if account else None
    bob = arena.owners[1]
    await erase(arena, person, SUBJECT)
    for table in arena.tables:
        left = [row for row in await rows(arena.connection, table, bob.id) if SUBJECT in row]
        assert not left, f"{table.name} still names an erased person"
    (turn,) = await arena.connection.fetch(
        "SELECT subject_jid, input, output FROM executions WHERE owner_user_id = $1", bob.id
    )
    assert tuple(turn) == ("erased", None, None), "the owner's figures stay, without the words"


async def test_whoever_refers_to_accounts_is_known(stores: Stores) -> None:
    """A table that refers to accounts by another column than owner_user_id needs a line in erase_person."""
    async with stores.superuser() as connection:
        owned = {table.name for table in await owner_tables(connection)}
        found = {row["name"].removeprefix("aiox.") for row in await connection.fetch(TO_USERS)}
    assert found - owned <= {"memberships", "invitations"}


async def test_every_column_that_names_a_person_is_known(stores: Stores) -> None:
    """A new one belongs into guard.PERSONS, or here with its place in erase_person."""
    known = {"agents.jid", "users.jid", "users.email", "invitations.email", "erasures.jid", "erasures.jid_digest"}
    known.add("approval_decisions.person")  # the row goes by its jid
    async with stores.superuser() as connection:
        found = await connection.fetch(
            "SELECT c.relname AS table, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND (a.attname ~ 'jid|mail|grantee|person') AND NOT a.attisdropped"
        )
    unknown = {f"{row['table']}.{row['column']}" for row in found if row["column"] not in PERSONS}
    assert unknown <= known


async def test_an_organisation_does_not_lose_its_only_owner(arena: Arena) -> None:
    ada, bob = arena.owners
    organisation = uuid4()
    await arena.connection.execute("INSERT INTO organisations VALUES ($1, 'one', now())", organisation)
    for who, role in ((ada, "owner"), (bob, "member")):
        await arena.connection.execute("INSERT INTO memberships VALUES ($1, $2, $3, now())", organisation, who.id, role)
    transaction = arena.connection.transaction()
    await transaction.start()
    with pytest.raises(asyncpg.ObjectInUseError):
        await erase(arena, ada.id, JID)
    await transaction.rollback()
    for author in (JID, "bob@localhost"):
        await arena.connection.execute(
            "INSERT INTO policies SELECT $1, 1 + count(*), '', '', $2, now() FROM policies WHERE scope = $1",
            *(organisation, author),
        )
    await erase(arena, bob.id, "bob@localhost")
    left = "SELECT array_agg(author ORDER BY version) FROM policies WHERE scope = $1"
    assert await arena.connection.fetchval(left, organisation) == [JID, "erased"]
    await erase(arena, ada.id, JID)
    assert await arena.connection.fetchval("SELECT count(*) FROM organisations WHERE id = $1", organisation) == 0
    assert await arena.connection.fetchval(left, organisation) is None, "its policies go with it"
    assert await arena.connection.fetchval("SELECT count(*) FROM active_policies") > 0, "those of the hub stay"


async def test_nothing_is_deleted_without_the_mark(arena: Arena) -> None:
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await arena.connection.execute(ERASE, arena.owners[0].id, JID)


async def _taken(connection: Connection, table: OwnerTable, row: dict[str, object]) -> bool:
    """Whether the table would take the row: it does, or something else than the mark stops it."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        names = ", ".join(row)
        done = await connection.execute(
            f"INSERT INTO aiox.{table.name} ({names}) SELECT {names} FROM"
            f" jsonb_populate_record(NULL::aiox.{table.name}, $1)",
            json.dumps(row),
        )
    except asyncpg.IntegrityConstraintViolationError:
        return True
    finally:
        await transaction.rollback()
    return done != "INSERT 0 0"


@pytest.fixture
async def marked(stores: Stores) -> AsyncIterator[tuple[Connection, list[OwnerTable], Owner]]:
    """A transaction in which an account is marked; triggers and constraints as they are."""
    async with stores.superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            owner = Owner(uuid4(), uuid4())
            await connection.execute(BEGIN, owner.id, JID)
            yield connection, await owner_tables(connection), owner
        finally:
            await transaction.rollback()


async def test_once_it_has_begun_no_table_takes_a_row_of_the_person(
    marked: tuple[Connection, list[OwnerTable], Owner],
) -> None:
    connection, tables, owner = marked
    for table in tables:
        if table.name not in STAYS:
            assert not await _taken(connection, table, row_of(table, owner.id, owner.agent)), table.name


@pytest.mark.control
async def test_without_the_mark_every_table_takes_it(marked: tuple[Connection, list[OwnerTable], Owner]) -> None:
    connection, tables, _ = marked
    for table in tables:
        if table.name not in STAYS:
            assert await _taken(connection, table, row_of(table, uuid4(), uuid4())), table.name


async def test_once_it_has_begun_no_table_takes_a_row_about_the_person(
    marked: tuple[Connection, list[OwnerTable], Owner],
) -> None:
    connection, tables, _ = marked
    seen = set()
    for table in tables:
        about = {column.name for column in table.columns} & set(PERSONS)
        if about and table.name not in (*STAYS, "agents"):
            seen.add(table.name)
            row = row_of(table, uuid4(), uuid4()) | dict.fromkeys(about, JID)
            assert not await _taken(connection, table, row), table.name
    assert {"agent_memories", "memory_vectors_384", "executions", "dead_letters", "agent_grants"} <= seen


async def test_an_answer_that_was_on_its_way_is_not_stored(stores: Stores) -> None:
    async with opened_arena(stores) as arena:
        await arena.connection.execute("SET LOCAL search_path = aiox; SET LOCAL session_replication_role = origin")
        tables = {table.name: table for table in arena.tables}
        bob = arena.owners[1]
        turn = str(uuid4())
        inbox = row_of(tables["inbox"], bob.id, bob.agent) | {"turn_id": turn, "sender_jid": JID}
        await insert(arena.connection, tables["inbox"], inbox)
        outbox = row_of(tables["outbox"], bob.id, bob.agent) | {"turn_id": turn}
        assert await _taken(arena.connection, tables["outbox"], outbox)
        await arena.connection.execute(BEGIN, None, JID)
        assert not await _taken(arena.connection, tables["outbox"], outbox)


async def test_every_owner_table_is_exported_or_left_out_for_a_reason(stores: Stores) -> None:
    async with stores.superuser() as connection:
        tables = {table.name: table for table in await owner_tables(connection)}
        sealed = await connection.fetch(
            "SELECT c.relname AS name, a.attname AS column FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
            " WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND a.atttypid IN ('bytea'::regtype, coalesce(to_regtype('aiox.sealed'), 'bytea'::regtype))"
        )
    assert set(EXPORTED) | set(NOT_EXPORTED) == set(tables)
    assert not set(EXPORTED) & set(NOT_EXPORTED)
    for row in sealed:
        if (table := EXPORTED.get(row["name"])) is not None:
            assert row["column"] in {*table.hidden, *table.sealed, *table.binary}, (
                f"{row['name']}.{row['column']}: open it or hide it"
            )
