"""Brings the database to the newest revision, as the role that owns the schema and nothing else."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from registry.drift import PIECES

_FOLDER = Path(__file__).parent / "migrations"


def roles_sql() -> str:
    """Statements that the superuser runs once on a new cluster, before the first upgrade."""
    return (_FOLDER / "roles.sql").read_text()


def newest_revision() -> str:
    """The revision this code expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("no revisions in registry/migrations/versions")
    return head


async def upgrade(host: str, port: int, password: str) -> bool:
    """Runs what is missing, all in one transaction; True when that was everything, in an empty database.

    Raises sqlalchemy.exc.DBAPIError; nothing is left half done.
    """
    engine = _engine(host, port, password)
    try:
        async with engine.begin() as connection:
            empty = await connection.scalar(text("SELECT to_regnamespace('aiox') IS NULL"))
            await connection.run_sync(_upgrade)
            return bool(empty)
    finally:
        await engine.dispose()


async def try_out(host: str, port: int, password: str) -> dict[str, str]:
    """What all revisions together make, piece by piece (registry.drift), found out beside the live schema.

    They run in a transaction that is rolled back, on an empty schema of the same name; the live one is renamed in it,
    which nobody else sees. Raises sqlalchemy.exc.DBAPIError.
    """
    engine = _engine(host, port, password)
    try:
        async with engine.connect() as connection, connection.begin() as transaction:
            made = await connection.run_sync(_try_out)
            await transaction.rollback()
            return made
    finally:
        await engine.dispose()


def _engine(host: str, port: int, password: str) -> AsyncEngine:
    return create_async_engine(URL.create("postgresql+asyncpg", "aiox_migrator", password, host, port, "aiox"))


def _try_out(connection: Connection) -> dict[str, str]:
    connection.exec_driver_sql("ALTER SCHEMA aiox RENAME TO aiox_live")
    _upgrade(connection)
    connection.exec_driver_sql("SET LOCAL search_path = aiox")
    return {row[0]: row[1] for row in connection.exec_driver_sql(PIECES)}


def _upgrade(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS aiox")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("path_separator", "os")
    return config
