"""Reads from the owner's PostgreSQL or SQLite: one SELECT over listed tables, where nothing can be written."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from ai_worker.tools import sqlite
from ai_worker.tools.port import Given, Means, ToolFailed
from ai_worker.tools.sql import MAX_SQL, SqlRefused, checked
from aiox.kernel.tools import Terms, ToolDescription
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import NotAnswered
from aiox.runtime.egress.urls import read_host

DESCRIPTION: Final = ToolDescription(
    name="database_query",
    description="Runs one SELECT (PostgreSQL or SQLite) over tables that may be read; gives the rows, 1,000 at most.",
    schema={
        "type": "object",
        "properties": {"sql": {"type": "string", "minLength": 1, "maxLength": MAX_SQL}},
        "required": ["sql"],
        "additionalProperties": False,
    },
    worker_type="external",
    risk="critical",
    read_only=True,
    terms=Terms(timeout_ms=10_000, max_bytes=64 * 1024, rate_limit_per_minute=30, requires_approval=False),
    credential="database",
    untrusted=True,
    private=True,
)
MAX_ROWS: Final = 1000
_STATEMENT_S: Final = 5.0
_MAX_VALUE: Final = 4000


@dataclass(frozen=True, slots=True)
class Database:
    """From a credential `postgresql://user:password@host:5432/name`. TLS unless `?sslmode=disable`."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    tls: bool


class DatabaseQuery:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, means: Means) -> None:
        self._means = means
        self._reach = means.reach

    async def run(self, arguments: Mapping[str, Any], given: Given) -> str:
        """Names of the columns and the rows, as JSON."""
        is_file, tables = given.secret.startswith(sqlite.SCHEME), given.terms.allowed_tables
        try:
            sql = checked(arguments["sql"], tables, MAX_ROWS, "sqlite" if is_file else "postgres")
        except SqlRefused as refused:
            raise ToolFailed(str(refused)) from None
        if is_file:
            means = self._means
            found = sqlite.read(means.sandbox, means.sqlite_folder, given.owner, given.secret, sql, tables, MAX_ROWS)
            return _shown(*await found, given.terms.max_bytes)
        try:
            columns, rows = await _read(database_of(given.secret), sql, self._reach)
        except asyncpg.QueryCanceledError:
            raise ToolFailed(f"The query took longer than {_STATEMENT_S:g} seconds.") from None
        except asyncpg.PostgresError as broken:
            raise ToolFailed(f"The database refuses it: {broken.sqlstate} {type(broken).__name__}.") from None
        except (OSError, asyncpg.InterfaceError) as away:
            raise NotAnswered(f"The database could not be used: {type(away).__name__}.") from None
        return _shown(columns, rows, given.terms.max_bytes)


def database_of(secret: str) -> Database:
    """Raises ToolFailed for a credential that names no database; nothing of it stands in the text."""
    try:
        url = urlsplit(secret)
        port = url.port or 5432
        name = url.path.removeprefix("/")
        fits = url.scheme in {"postgresql", "postgres"} and url.hostname and url.username and name
        tls = parse_qs(url.query).get("sslmode", ["require"]) != ["disable"]
    except ValueError:
        fits = None
    if not fits:
        raise ToolFailed("The database credential is not of the form postgresql://user:password@host:5432/name.")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return Database(read_host(url.hostname or ""), port, name, user, password, tls)


async def _read(at: Database, sql: str, reach: Reach) -> tuple[list[str], list[list[Any]]]:
    """By a connection of its own to an address that was judged, in a transaction that is rolled back."""
    (address, *_) = await reach.addresses(at.host, at.port)
    if not at.tls and f"{address}:{at.port}" not in reach.internal:
        raise ToolFailed("A database outside this machine is read over TLS only.")
    connection = await asyncpg.connect(
        host=address,
        port=at.port,
        user=at.user,
        password=at.password,
        database=at.name,
        ssl=_trust(at.host) if at.tls else False,
        timeout=_STATEMENT_S,
        command_timeout=_STATEMENT_S + 1,
        statement_cache_size=0,
        server_settings={
            "application_name": "aiox",
            "default_transaction_read_only": "on",
            "statement_timeout": str(round(_STATEMENT_S * 1000)),
            "idle_in_transaction_session_timeout": "10000",
        },
    )
    try:
        transaction = connection.transaction(readonly=True)
        await transaction.start()
        statement = await connection.prepare(sql)
        columns = [column.name for column in statement.get_attributes()]
        rows = [list(row.values()) for row in await statement.fetch()]
        await transaction.rollback()
    finally:
        connection.terminate()
    return columns, rows


class _Named(ssl.SSLContext):
    """Checks the certificate for a name while the connection goes to an address."""

    host = ""

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        return super().wrap_bio(*given, **{**named, "server_hostname": self.host})


def _trust(host: str) -> ssl.SSLContext:
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.host = host
    return context


def _shown(columns: list[str], rows: list[list[Any]], most: int) -> str:
    """As many rows as fit."""
    shown: list[list[Any]] = []
    left = most - len(json.dumps(columns)) - 100
    for row in rows:
        values = [_value(one) for one in row]
        left -= len(json.dumps(values, ensure_ascii=False).encode()) + 2
        if left < 0:
            break
        shown.append(values)
    return json.dumps({"columns": columns, "rows": shown, "whole": len(shown) == len(rows)}, ensure_ascii=False)


def _value(one: Any) -> Any:
    if one is None or isinstance(one, bool | int):
        return one
    text = str(one)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}..."


make = DatabaseQuery
