"""What the API reads with every request: one statement each, which sees one owner's rows and leaves no owner behind."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from aiox.runtime.postgres import owner_scope
from registry import agents, sessions
from registry.sessions import NewSession
from tests.stores import NOW, Stores

OWNER = "SELECT coalesce(current_setting('aiox.owner', true), '')"
READS = ("SELECT * FROM agent_detail($1, $2)", "SELECT * FROM speaker_of($1, $2, now())")


@pytest.mark.parametrize("statement", READS)
async def test_the_owner_is_named_for_the_statement_alone(stores: Stores, statement: str) -> None:
    actor, other = await stores.account(), await stores.account()
    async with owner_scope(stores.pools["gateway"], other.owner) as connection:
        await connection.fetch(statement, actor.owner, uuid4())
        assert await connection.fetchval(OWNER) == str(other.owner)
    async with stores.pools["gateway"].acquire() as connection:
        await connection.fetch(statement, actor.owner, uuid4())
        assert await connection.fetchval(OWNER) == ""
        assert await connection.fetch("SELECT * FROM agents") == []


@pytest.mark.parametrize("statement", READS)
@pytest.mark.parametrize("service", ["component", "orchestrator", "ai_worker"])
async def test_nobody_but_the_gateway_may_ask(stores: Stores, statement: str, service: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stores.pools[service].fetch(statement, uuid4(), uuid4())  # type: ignore[index]


async def test_row_level_security_holds_inside(stores: Stores) -> None:
    """The functions run as who calls them: a policy that hides the rows hides them here, too."""
    actor = await stores.account()
    agent = await stores.agent(actor)
    async with stores.superuser() as root:
        await root.execute("CREATE POLICY nothing ON agents AS RESTRICTIVE TO aiox_gateway USING (false)")
        try:
            assert await agents.load_detail(stores.pools["gateway"], actor.owner, agent) is None
        finally:
            await root.execute("DROP POLICY nothing ON agents")
    assert await agents.load_detail(stores.pools["gateway"], actor.owner, agent) is not None


async def test_a_session_speaks_for_its_account_while_both_live(stores: Stores) -> None:
    actor, other, pool = await stores.account(), await stores.account(), stores.pools["gateway"]
    session, hour = uuid4(), timedelta(hours=1)
    await sessions.open_session(pool, NewSession(session, actor.owner, "", "", b"d" * 32, NOW, hour, hour))
    found = await sessions.find_speaker(pool, actor.owner, session, NOW)
    assert found is not None
    assert found.jid == actor.jid
    assert await sessions.find_speaker(pool, other.owner, session, NOW) is None
    assert await sessions.find_speaker(pool, actor.owner, session, NOW + hour) is None
    await sessions.end(pool, actor.owner, sessions.Ending.REVOKED, NOW)
    assert await sessions.find_speaker(pool, actor.owner, session, NOW) is None
