"""The hub's database as an operator or a thief sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from aiox.cli.stack import postgres
from aiox.runtime.postgres import Connection
from tests.stack import RunningHub


@asynccontextmanager
async def superuser(hub: RunningHub, database: str = "aiox") -> AsyncIterator[Connection]:
    """A connection that no rule holds back; `ejabberd` is the XMPP server's database."""
    pool = await asyncpg.create_pool(
        host="127.0.0.1",
        port=hub.settings.ports.postgres,
        user="postgres",
        password=hub.home.secrets("stack").read("postgres"),
        database=database,
        min_size=1,
        max_size=1,
        server_settings={"search_path": "aiox" if database == "aiox" else "public"},
    )
    try:
        async with pool.acquire() as connection:
            yield connection
    finally:
        await pool.close()


async def dump_of(hub: RunningHub, database: str = "aiox", leave_out: tuple[str, ...] = ()) -> str:
    """Everything in a database but the rows of the tables left out, as SQL."""
    dump = await asyncio.create_subprocess_exec(
        *(postgres.binary("pg_dump"), "--host", "127.0.0.1", "--port", str(hub.settings.ports.postgres)),
        *("--username", "postgres", *(f"--exclude-table-data={table}" for table in leave_out), database),
        env={"PGPASSWORD": hub.home.secrets("stack").read("postgres"), "LC_ALL": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await dump.communicate()
    assert dump.returncode == 0
    return out.decode()
