"""The role that sees which stanzas are archived reads no text, writes nothing, and gets into no other database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from aiox.cli.stack import postgres as part
from tests.stack import Place

ATTACKS = [
    "SELECT xml FROM archive",
    "SELECT txt FROM archive",
    "SELECT * FROM archive",
    "SELECT password FROM users",
    "SELECT * FROM spool",
    "DELETE FROM archive",
    (
        "INSERT INTO archive (username, timestamp, peer, bare_peer, xml, txt, kind, nick, origin_id)"
        " VALUES ('carol', 1, 'a', 'a', 'a', 'a', 'chat', '', 'a')"
    ),
    "SET default_transaction_read_only = off; UPDATE archive SET origin_id = 'x'",
]


@asynccontextmanager
async def reader(place: Place, database: str = "ejabberd") -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=place.settings.ports.postgres,
        user="aiox_archive",
        password=place.home.secrets("component").read("archive"),
        database=database,
    )
    try:
        yield connection
    finally:
        await connection.close()


async def test_it_sees_which_stanzas_are_there(ejabberd: Place) -> None:
    async with reader(ejabberd) as connection:
        await connection.fetch("SELECT username, bare_peer, origin_id FROM archive")


@pytest.mark.parametrize("attack", ATTACKS)
async def test_it_sees_and_does_nothing_else(ejabberd: Place, attack: str) -> None:
    async with reader(ejabberd) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(attack)


@pytest.mark.control
@pytest.mark.parametrize("attack", ATTACKS)
async def test_with_more_rights_it_would(ejabberd: Place, attack: str) -> None:
    place, rights = ejabberd, "ALL ON archive, users, spool"
    await part.sql(place.home, place.settings.ports.postgres, "ejabberd", f"GRANT {rights} TO aiox_archive")
    await part.sql(place.home, place.settings.ports.postgres, "ejabberd", "GRANT ALL ON archive_id_seq TO aiox_archive")
    try:
        async with reader(place) as connection:
            attempt = connection.transaction()
            await attempt.start()
            await connection.execute(attack)
            await attempt.rollback()
    finally:
        taken = f"REVOKE {rights} FROM aiox_archive; REVOKE ALL ON archive_id_seq FROM aiox_archive"
        await part.sql(place.home, place.settings.ports.postgres, "ejabberd", taken)
        again = "GRANT SELECT (username, bare_peer, origin_id) ON archive TO aiox_archive;"
        again += " GRANT SELECT (username) ON users TO aiox_archive"
        await part.sql(place.home, place.settings.ports.postgres, "ejabberd", again)


async def test_the_hubs_own_database_is_closed_to_it(ejabberd: Place) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with reader(ejabberd, "aiox"):
            pass
