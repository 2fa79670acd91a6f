"""A purge leaves nothing of an agent but its addresses and the ids of its turns, and takes nobody else's."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest
import structlog

from aiox.commands import create_agent, edit_agent, put_document, retire_agent
from aiox.commands.create_agent import AgentCreated, CreateAgent
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId, OwnerId, agent_id_of
from aiox.runtime.clock import SystemClock
from aiox.runtime.redis import connect
from orchestrator.purge import Purge
from registry import short_term
from registry.quotas import Conversation
from registry.short_term import key
from tests.stack import Place
from tests.stores import Stores

SUBJECT = "guest@localhost"
KEPT = {
    "agent_addresses": "an address is never given twice",
    "executions": "figures and ids; the texts go",
    "inbox": "ids, for seven days, so that a repeated message is known",
    "tool_calls": "ids and digests: the record of what was done",
    "asked_turns": "belongs to who asked, and is sealed for them",
    "approvals": "who decided what; the call itself goes",
}
"""Tables with an agent's id whose rows outlive it, each with the reason."""


def purge_of(stores: Stores, forgotten: list[str], settle_s: float = 0.0) -> Purge:
    async def forget(owner: OwnerId, agent: AgentId, subjects: object) -> None:
        assert isinstance(subjects, tuple)
        forgotten.extend(key(owner, agent, subject) for subject in subjects)

    log = structlog.get_logger()
    return Purge(stores.pools["orchestrator"], forget, 30, settle_s, SystemClock(), log)


async def rich_agent(stores: Stores, actor: Actor) -> AgentCreated:
    """An agent with a row in every table that can hold one."""
    fields = {"profile": {"name": "Ada"}, "alias": f"a{uuid4().hex[:10]}", "tools": [{"name": "search_api"}]}
    shared = {"visibility": "shared", "shared_with": ["peer.example"]}
    made = await create_agent.run(stores.hub, actor, CreateAgent.model_validate({**fields, **shared}))
    assert isinstance(made, AgentCreated), made
    patch = edit_agent.PatchAgent.model_validate({"agent_id": made.agent_id, "profile": {"description": "new"}})
    await edit_agent.update(stores.hub, actor, patch)
    document = put_document.PutDocument(agent_id=made.agent_id, title="t", source="s", content="a secret")
    await put_document.run(stores.hub, actor, document)
    sealed = stores.keys.seal(b"a secret", short_term._place(actor.owner, made.agent_id, SUBJECT, uuid4()))
    async with stores.superuser() as connection:
        for statement in ROWS:
            values = [actor.owner, made.agent_id, SUBJECT, sealed][: 4 if "$4" in statement else 3]
            await connection.execute(statement, *values)
    return made


ROWS = (
    """
    INSERT INTO agent_avatars
    VALUES ($1, $2, 'sha256:' || repeat(left($3, 0) || '0', 64), 'image/png', 'x', now())""",
    """
    WITH memory AS (
        INSERT INTO agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, content, created_at)
        VALUES (gen_random_uuid(), $1, $2, 'subject', $3, 'fact', 'secret', now()) RETURNING *)
    INSERT INTO memory_vectors_384 (memory_id, owner_user_id, agent_id, scope, subject_jid, model, embedding)
    SELECT id, owner_user_id, agent_id, scope, subject_jid, 'm', array_fill(0.5, ARRAY[384])::public.halfvec
    FROM memory""",
    """
    INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, input, output, outcome, tokens_used, tools_called,
                            worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id,
                            created_at)
    VALUES (gen_random_uuid(), $1, $2, $3, $4, $4, 'answered', 7, '[]', 'w', 1, 1, 1, '{}', gen_random_uuid(),
            now())""",
    """
    INSERT INTO dead_letters (turn_id, owner_user_id, agent_id, sender_jid, reason, attempts, envelope, correlation_id,
                              created_at)
    VALUES (gen_random_uuid(), $1, $2, $3, 'why', 5, $4, gen_random_uuid(), now())""",
    """
    INSERT INTO approvals (id, owner_user_id, agent_id, agent_version_id, turn_id, requester_jid, tool_name, arguments,
                           message, policy_hash, digest, kind, quorum, approvers, second_factor, rules, state,
                           created_at, expires_at)
    VALUES (gen_random_uuid(), $1, $2, gen_random_uuid(), gen_random_uuid(), $3, 't', $4, $4, 'h', 'd', 'confirm', 1,
            '{}', false, '{}', 'expired', now(), now())""",
)
TEXTS = {"executions": "input, output", "approvals": "arguments, message"}
"""Sealed texts of rows that stay."""


async def tables_with(connection: asyncpg.Connection[asyncpg.Record], agent_id: AgentId) -> dict[str, int]:
    """How many rows of the agent each table with agent ids holds."""
    names = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'agent_id'"
        " WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
    )
    counts = {
        row["relname"]: await connection.fetchval(
            f"SELECT count(*) FROM {row['relname']} WHERE agent_id = $1",  # noqa: S608 -- from the catalogue
            agent_id,
        )
        for row in names
    }
    counts["agents"] = await connection.fetchval("SELECT count(*) FROM agents WHERE id = $1", agent_id)
    return counts


async def test_nothing_is_left_but_addresses_and_ids(stores: Stores) -> None:
    actor = await stores.account()
    doomed, other = await rich_agent(stores, actor), await rich_agent(stores, actor)
    which = WhichAgent(agent_id=doomed.agent_id)
    await retire_agent.delete(stores.hub, actor, which)
    forgotten: list[str] = []
    await purge_of(stores, []).round()  # what other tests have left
    assert await purge_of(stores, forgotten).round() == 0  # its time has not come
    await retire_agent.purge(stores.hub, actor, which)
    async with stores.superuser() as connection:
        untouched = await tables_with(connection, other.agent_id)
        assert await purge_of(stores, forgotten).round() == 1
        left = {name for name, rows in (await tables_with(connection, doomed.agent_id)).items() if rows}
        assert left <= set(KEPT)
        assert {"agent_addresses", "executions"} <= left
        assert await tables_with(connection, other.agent_id) == untouched
        for table, columns in TEXTS.items():
            for agent, texts in ((doomed, 0), (other, 2)):
                found = await connection.fetchval(
                    f"SELECT num_nonnulls({columns}) FROM {table} WHERE agent_id = $1",  # noqa: S608
                    agent.agent_id,
                )
                assert found == texts, table
        told = await connection.fetchval(
            "SELECT count(*) FROM audit_logs WHERE event_type = 'agent.purged' AND details ->> 'agent_id' = $1",
            str(doomed.agent_id),
        )
    assert told == 1
    assert forgotten == [key(actor.owner, doomed.agent_id, SUBJECT)]


async def test_every_table_with_agents_is_purged_or_kept_for_a_reason(stores: Stores) -> None:
    """A new table with agent ids references agents ON DELETE CASCADE, is emptied by the purge, or stands in KEPT."""
    actor = await stores.account()
    made = await rich_agent(stores, actor)
    async with stores.superuser() as connection:
        names = set(await tables_with(connection, made.agent_id))
        cascading = {
            row["name"]
            for row in await connection.fetch(
                "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint"
                " WHERE contype = 'f' AND confdeltype = 'c' AND confrelid IN ('agents'::regclass,"
                " 'agent_memories'::regclass)"
            )
        }
    assert names - cascading - set(KEPT) == {"agents", "dead_letters"}
    assert set(KEPT) <= names


async def test_addresses_of_purged_agents_are_never_given_again(stores: Stores) -> None:
    actor, rival = await stores.account(), await stores.account()
    made = await rich_agent(stores, actor)
    which = WhichAgent(agent_id=made.agent_id)
    await retire_agent.delete(stores.hub, actor, which)
    await retire_agent.purge(stores.hub, actor, which)
    await purge_of(stores, []).round()
    for person in (rival, actor):
        again = CreateAgent.model_validate({"profile": {"name": "Eve"}, "alias": made.alias})
        refused = await create_agent.run(stores.hub, person, again)
        assert not isinstance(refused, AgentCreated)
    async with stores.superuser() as connection:
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                "INSERT INTO agent_addresses VALUES ($1, $2, $1, now())", made.agent_id, rival.owner
            )
        text = await connection.fetchval(
            "SELECT string_agg(a::text, ' ') FROM agent_addresses a WHERE agent_id = $1", made.agent_id
        )
    assert made.alias not in text  # the record holds ids, no names
    assert str(agent_id_of(made.alias)) in text


async def test_a_restored_agent_and_one_just_deleted_are_left_alone(stores: Stores) -> None:
    actor = await stores.account()
    made = await rich_agent(stores, actor)
    which = WhichAgent(agent_id=made.agent_id)
    await retire_agent.delete(stores.hub, actor, which)
    await retire_agent.restore(stores.hub, actor, which)
    await purge_of(stores, []).round()
    await retire_agent.delete(stores.hub, actor, which)
    await retire_agent.purge(stores.hub, actor, which)
    assert await purge_of(stores, [], settle_s=3600).round() == 0  # a turn may still come to its end
    async with stores.superuser() as connection:
        assert (await tables_with(connection, made.agent_id))["agent_memories"] == 1


async def test_after_its_days_an_agent_goes_by_itself(stores: Stores) -> None:
    actor = await stores.account()
    made = await rich_agent(stores, actor)
    await retire_agent.delete(stores.hub, actor, WhichAgent(agent_id=made.agent_id))
    async with stores.superuser() as connection:
        for days, left in ((29, 1), (31, 0)):
            await connection.execute(
                "UPDATE agents SET deleted_at = now() - make_interval(days => $2) WHERE id = $1", made.agent_id, days
            )
            await purge_of(stores, []).round()
            assert (await tables_with(connection, made.agent_id))["agents"] == left


async def test_short_term_memory_is_forgotten_under_its_very_key(redis: Place) -> None:
    owner, agent = OwnerId(uuid4()), AgentId(uuid4())
    assert key(owner, agent, SUBJECT) == Conversation(owner, agent, SUBJECT, 10).history_key
    memory = connect(redis.settings, redis.home.secrets("orchestrator"), "orchestrator")
    try:
        await memory.rpush(key(owner, agent, SUBJECT), b"entry")
        await short_term.forget(memory, owner, agent, (SUBJECT, "nobody@localhost"))
        await short_term.forget(memory, owner, agent, ())
        assert await memory.exists(key(owner, agent, SUBJECT)) == 0
    finally:
        await memory.aclose()
