"""Answers that went out over XMPP, what people think of them, and those that are taken back (revision 0029)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from aiox.kernel.ids import AgentId, OwnerId, TurnId, VersionId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool, owner_scope
from registry import short_term
from registry.erasures import CachesAway


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """An answer. `stanza_id` and `turn` are None when it went out too long ago, or over HTTP."""

    execution: UUID
    owner: OwnerId
    agent: AgentId
    version: VersionId
    subject: BareJid
    stanza_id: UUID | None
    turn: TurnId | None
    address: BareJid
    """The agent's."""


@dataclass(frozen=True, slots=True)
class VersionReactions:
    """What people think of the answers of one version: how many like them, how many do not."""

    version: int
    good: int
    bad: int


async def find_sent(pool: Pool, stanza_id: UUID) -> SentAnswer | None:
    """The answer that went out under this id, in the last days; None for any other id."""
    return await _find(pool, stanza_id, None)


async def find_executed(pool: Pool, execution: UUID) -> SentAnswer | None:
    """The answer of a turn, by its execution; None when it gave none."""
    return await _find(pool, None, execution)


async def _find(pool: Pool, stanza_id: UUID | None, execution: UUID | None) -> SentAnswer | None:
    row = await pool.fetchrow("SELECT * FROM find_answer($1, $2)", stanza_id, execution)
    if row is None or row["agent_version_id"] is None:
        return None
    return SentAnswer(
        row["execution_id"],
        OwnerId(row["owner_user_id"]),
        AgentId(row["agent_id"]),
        VersionId(row["agent_version_id"]),
        BareJid(row["subject_jid"]),
        row["stanza_id"],
        row["turn_id"],
        BareJid(row["address"]),
    )


async def put(pool: Pool, answer: SentAnswer, value: int, now: datetime) -> bool:
    """Puts down what its reader thinks, 1 or -1, in place of what they thought before; 0 takes it away.

    Returns whether that changed anything.
    """
    async with owner_scope(pool, answer.owner) as connection:
        if value == 0:
            done = await connection.execute("DELETE FROM reactions WHERE execution_id = $1", answer.execution)
            return done != "DELETE 0"
        done = await connection.execute(
            "INSERT INTO reactions AS r"
            " (execution_id, owner_user_id, agent_id, agent_version_id, subject_jid, value, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)"
            " ON CONFLICT (execution_id) DO UPDATE SET value = EXCLUDED.value, created_at = EXCLUDED.created_at"
            " WHERE r.value <> EXCLUDED.value",
            answer.execution,
            answer.owner,
            answer.agent,
            answer.version,
            answer.subject,
            value,
            now,
        )
    return done != "INSERT 0 0"


async def by_version(pool: Pool, owner: OwnerId, agent: AgentId) -> Sequence[VersionReactions]:
    """In numbers, by version, the newest first."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT v.number, count(*) FILTER (WHERE r.value > 0) AS good, count(*) FILTER (WHERE r.value < 0) AS bad"
            " FROM reactions r JOIN agent_versions v ON v.id = r.agent_version_id"
            " WHERE r.owner_user_id = $1 AND r.agent_id = $2 GROUP BY v.number ORDER BY v.number DESC",
            owner,
            agent,
        )
    return [VersionReactions(row["number"], row["good"], row["bad"]) for row in rows]


async def take_back(pool: Pool, answer: SentAnswer) -> bool:
    """Takes the text of an answer out of what the hub shows; the orchestrator forgets it next. False when it was done.

    For the gateway's role only.
    """
    return bool(await pool.fetchval("SELECT take_back($1, $2)", answer.owner, answer.execution))


@dataclass(frozen=True, slots=True)
class OpenRetraction:
    """An answer that was taken back, and may still be in short-term memory."""

    execution: UUID
    owner: OwnerId
    agent: AgentId
    subject: BareJid


async def open_retractions(pool: Pool) -> Sequence[OpenRetraction]:
    """Of all owners, the oldest first. For the orchestrator's role only."""
    rows = await pool.fetch("SELECT * FROM open_retractions()")
    return [
        OpenRetraction(row["execution_id"], OwnerId(row["owner_user_id"]), AgentId(row["agent_id"]), row["subject_jid"])
        for row in rows
    ]


async def forget(redis: Redis, one: OpenRetraction) -> None:
    """Drops the conversation from short-term memory; its next turn reads what is still on record. Raises CachesAway."""
    try:
        await short_term.forget(redis, one.owner, one.agent, [one.subject])
    except (RedisError, OSError) as gone:
        raise CachesAway(repr(gone)) from gone


async def forgotten(pool: Pool, one: OpenRetraction, now: datetime) -> None:
    """Nothing of this answer is left."""
    async with owner_scope(pool, one.owner) as connection:
        await connection.execute("UPDATE retractions SET cleared_at = $2 WHERE execution_id = $1", one.execution, now)
