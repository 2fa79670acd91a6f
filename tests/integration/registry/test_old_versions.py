"""Revision 0009 on a hub that has agents already: their versions become what this code reads, and are frozen."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from alembic import command
from sqlalchemy import URL
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from aiox.kernel.agent import AgentSpec, Profile, content_digest
from aiox.kernel.ids import AgentId
from registry.migrate import _config
from tests.stack import Place

OWNER, AGENT, VERSION = (UUID(int=number) for number in (1, 2, 3))
NOW = "'2026-01-02 03:04:05+00'"


def _to(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _old_agent(connection: Connection) -> None:
    """A version as it was stored before: a flat specification and no digest."""
    spec = AgentSpec(profile=Profile(name="Ada", description="hers")).model_dump(mode="json")
    flat = {**spec, **spec.pop("profile"), "avatar": "a text of old"}
    del flat["profile"], flat["mcp_servers"]
    for table in ("users", "agents", "agent_versions"):
        connection.exec_driver_sql(f"ALTER TABLE aiox.{table} NO FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(
        f"INSERT INTO aiox.users (id, email, jid, password_hash, quota_config, created_at)"  # noqa: S608
        f" VALUES ('{OWNER}', 'a@b.c', 'a@b', 'x', '{{}}', {NOW})"
    )
    connection.exec_driver_sql(
        "INSERT INTO aiox.agents (id, owner_user_id, jid, profile, llm_config, capabilities, memory_config, governance,"  # noqa: S608
        f" active_version_id, created_at) VALUES ('{AGENT}', '{OWNER}', 'agent@b', '{{}}', '{{}}', '{{}}', '{{}}',"
        f" '{{}}', '{VERSION}', {NOW})"
    )
    connection.exec_driver_sql(
        "INSERT INTO aiox.agent_versions (id, owner_user_id, agent_id, number, spec, system_prompt, policy_hash,"  # noqa: S608
        f" created_at) VALUES ('{VERSION}', '{OWNER}', '{AGENT}', 1, $1::jsonb, 'x', 'old', {NOW})",
        (json.dumps(flat),),
    )
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table in ("users", "agents", "agent_versions"):
        connection.exec_driver_sql(f"ALTER TABLE aiox.{table} FORCE ROW LEVEL SECURITY")


def _brought_up(connection: Connection) -> tuple[Any, Any]:
    """As `registry.migrate.try_out`: on an empty schema in place of the live one, in a transaction nobody sees."""
    connection.exec_driver_sql("ALTER SCHEMA aiox RENAME TO aiox_live")
    connection.exec_driver_sql("CREATE SCHEMA aiox")
    _to(connection, "0008")
    _old_agent(connection)
    _to(connection, "0009")
    forced = connection.exec_driver_sql(
        "SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relnamespace = 'aiox'::regnamespace"
        " AND relname IN ('agents', 'agent_versions', 'agent_addresses')"
    ).scalar_one()
    assert forced
    for table in ("agent_versions", "agent_addresses"):
        connection.exec_driver_sql(f"ALTER TABLE aiox.{table} NO FORCE ROW LEVEL SECURITY")
    version = connection.exec_driver_sql(
        "SELECT spec::text, policy_hash, content_digest FROM aiox.agent_versions"
    ).one()
    return version, connection.exec_driver_sql("SELECT address_id, agent_id FROM aiox.agent_addresses").one()


async def test_versions_of_before_are_read_and_frozen(postgres: Place) -> None:
    password = postgres.home.secrets("stack").read("postgres_migrator")
    url = URL.create(
        "postgresql+asyncpg", "aiox_migrator", password, "127.0.0.1", postgres.settings.ports.postgres, "aiox"
    )
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection, connection.begin() as transaction:
            (text, policy_hash, digest), address = await connection.run_sync(_brought_up)
            await transaction.rollback()
    finally:
        await engine.dispose()
    spec = AgentSpec.model_validate_json(text)
    assert (spec.profile.name, spec.profile.description, spec.profile.avatar) == ("Ada", "hers", "")
    assert policy_hash == spec.policy_hash()
    assert digest == content_digest(AgentId(AGENT), 1, policy_hash, json.loads(text))
    assert tuple(address) == (AGENT, AGENT)
