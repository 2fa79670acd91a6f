"""The truth: a pool per service role, and transactions that carry their owner (DESIGN 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from aiox.runtime.operation_settings import addresses
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import LOOPBACK, Service, Settings
from aiox.runtime.timeouts import TIMEOUTS

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
LoneConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
StoreTrouble: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a caller that tries again later may catch: the database refused, the connection broke, nobody listens."""
STATEMENT_S: Final = 10
"""How long a statement of a service may take; the database itself ends it then."""
IDLE_S: Final = 5
"""How long a service may stand still within a transaction. One that froze there, or whose machine has gone, would keep
its locks, the ledger's among them, from everybody else; the database ends its connection then."""


def is_away(error: BaseException) -> bool:
    """Whether the store itself is gone or restarting, so that waiting helps; false for what it refuses for a reason."""
    if is_too_slow(error) or isinstance(error, asyncpg.DataError | asyncpg.exceptions.DataError):
        return False
    return isinstance(
        error,
        asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.InsufficientResourcesError
        | asyncpg.IdleInTransactionSessionTimeoutError  # it stood still for IDLE_S; the connection is closed
        | asyncpg.InterfaceError
        | asyncpg.InternalClientError  # a connection that broke in the middle of an exchange
        | OSError,
    )


def is_too_slow(error: BaseException) -> bool:
    """Whether the database gave a statement up because it took longer than STATEMENT_S; counted where it did."""
    slow = isinstance(error, asyncpg.QueryCanceledError)
    if slow:
        TIMEOUTS.inc()
    return slow


async def connect(settings: Settings, secrets: Secrets, service: Service, size: int = 4) -> Pool:
    """A pool of `size` connections as this service's role. Raises OSError or asyncpg.PostgresError.

    For transactions and single statements only: what a session keeps beyond its transaction (SET, advisory locks of the
    session, LISTEN) is not taken back when a connection returns to the pool.
    """
    return await asyncpg.create_pool(
        **_where(settings),
        user=f"aiox_{service}",
        password=secrets.read("postgres"),
        database="aiox",
        min_size=1,
        max_size=size,
        reset=_as_it_is,
        command_timeout=STATEMENT_S + 1,
        server_settings={
            "application_name": f"aiox-{service}",
            "search_path": "aiox",
            "jit": "off",
            "statement_timeout": f"{STATEMENT_S}s",
            "idle_in_transaction_session_timeout": f"{IDLE_S}s",
        },
    )


def _where(settings: Settings) -> dict[str, Any]:
    """Of several servers the one that takes writes; it is sought anew for each connection."""
    found = addresses(settings.hosts.postgres, settings.ports.postgres)
    if len(found) == 1:
        return {"host": found[0][0], "port": found[0][1]}
    hosts, ports = zip(*found, strict=True)
    return {"host": list(hosts), "port": list(ports), "target_session_attrs": "primary"}


async def _as_it_is(_connection: object) -> None:
    """Asyncpg has rolled back by now. Its RESET ALL and the rest are one more round trip per statement, for nothing."""


async def connect_alone(settings: Settings, secrets: Secrets, service: Service) -> LoneConnection:
    """One connection as this service's role, for advisory locks, which end with it. Raises as `connect`."""
    return await asyncpg.connect(
        **_where(settings),
        user=f"aiox_{service}",
        password=secrets.read("postgres"),
        database="aiox",
        timeout=5,
        command_timeout=5,
        server_settings={"application_name": f"aiox-{service}-locks", "search_path": "aiox", "jit": "off"},
    )


async def connect_database(port: int, user: str, password: str, database: str, host: str = LOOPBACK) -> LoneConnection:
    """One connection to any database of the cluster, for the operator's shell. Raises as `connect`."""
    return await asyncpg.connect(
        host=host,
        port=port,
        user=user,
        password=password,
        database=database,
        timeout=5,
        command_timeout=60,
        server_settings={"search_path": "aiox", "jit": "off"},
    )


async def connect_keeper(settings: Settings, secrets: Secrets, size: int = 2) -> Pool:
    """A pool as the role that rotates keys, with the stack's secrets. Raises as `connect` does."""
    return await asyncpg.create_pool(
        **_where(settings),
        user="aiox_keeper",
        password=secrets.read("postgres_keeper"),
        database="aiox",
        min_size=1,
        max_size=size,
        command_timeout=60,
        server_settings={"application_name": "aiox-keeper", "search_path": "aiox", "jit": "off"},
    )


async def connect_archive(settings: Settings, secrets: Secrets, size: int = 2) -> Pool:
    """A pool on the XMPP server's database that may read which stanzas are archived. Raises as `connect` does."""
    return await asyncpg.create_pool(
        **_where(settings),
        user="aiox_archive",
        password=secrets.read("archive"),
        database="ejabberd",
        min_size=1,
        max_size=size,
        reset=_as_it_is,
        command_timeout=10,
        server_settings={
            "application_name": "aiox-archive",
            "default_transaction_read_only": "on",
            "jit": "off",
            # A plan made while the archive was empty reads all of a person's messages, until the table is analysed.
            "plan_cache_mode": "force_custom_plan",
        },
    )


@asynccontextmanager
async def owner_scope(
    pool: Pool, owner: UUID, agent: UUID | None = None, subject: str = ""
) -> AsyncIterator[Connection]:
    """One transaction that sees the rows of `owner` only; of one agent and subject where the table asks for it.

    SET LOCAL ends with the transaction, so a pooled connection never carries an owner over.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT set_config('aiox.owner', $1, true), set_config('aiox.agent', $2, true),"
            " set_config('aiox.subject', $3, true)",
            str(owner),
            str(agent or ""),
            subject,
        )
        yield connection
