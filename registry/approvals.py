"""Approvals and the decisions on them. Owner-scoped; arguments and message are sealed with the owner's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.verdict import Hold
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection, Pool, owner_scope
from policy.approvals import Approval, Call, Person, State, Vote

_COLUMNS: Final = (
    "id, owner_user_id, agent_id, agent_version_id, turn_id, requester_jid, requester_account, tool_name, arguments,"
    " message, transcript, policy_hash, digest, kind, quorum, approvers, second_factor, rules, state, created_at,"
    " expires_at, organisations"
)
_NO_TEXTS: Final = "arguments = NULL, message = NULL, transcript = NULL"


@dataclass(frozen=True, slots=True)
class Kept:
    """An approval as it is stored. `turn` is the one that was held, `message` the bytes of the event it began with.

    `transcript` is what the turn had done until then, in the words of the workers; they alone read it.
    """

    approval: Approval
    owner: OwnerId
    turn: TurnId
    message: bytes
    transcript: bytes = b""

    @property
    def agent(self) -> AgentId:
        """The agent whose call waits."""
        return AgentId(self.approval.call.agent)


async def add(connection: Connection, ring: KeyRing, kept: Kept) -> None:
    """Stores a new one. The very approval again is a no-op."""
    approval, call = kept.approval, kept.approval.call
    await connection.execute(
        f"INSERT INTO approvals ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"  # noqa: S608 -- constant names
        " $16, $17, $18, $19, $20, $21, $22) ON CONFLICT (id) DO NOTHING",
        approval.id,
        kept.owner,
        call.agent,
        call.version,
        kept.turn,
        call.actor,
        approval.requester.account,
        call.tool,
        ring.seal(call.arguments, _place(kept.owner, approval.id, "arguments")),
        ring.seal(kept.message, _place(kept.owner, approval.id, "message")),
        ring.seal(kept.transcript, _place(kept.owner, approval.id, "transcript")),
        call.policy_hash,
        approval.digest,
        approval.terms.kind,
        approval.terms.quorum,
        list(approval.terms.approvers),
        approval.terms.second_factor,
        list(approval.terms.rules),
        approval.state,
        approval.asked_at,
        approval.expires_at,
        list(approval.terms.organisations),
    )


async def load(connection: Connection, ring: KeyRing, approval_id: UUID, *, lock: bool = False) -> Kept | None:
    """One of the owner in whose scope `connection` is, with its votes; None for unknown and foreign ones.

    With `lock` nobody else decides on it until the transaction ends. One whose texts were let go is None, too.
    """
    row = await connection.fetchrow(
        f"SELECT * FROM approvals WHERE id = $1{' FOR UPDATE' if lock else ''}",  # noqa: S608 -- two constants
        approval_id,
    )
    if row is None or row["arguments"] is None:
        return None
    votes = await connection.fetch(
        "SELECT person, jid, approves, created_at FROM approval_decisions WHERE approval_id = $1"
        " ORDER BY created_at, person",
        approval_id,
    )
    return _kept(row, votes, ring)


async def vote(connection: Connection, kept: Kept, decided: Approval) -> None:
    """Stores the last vote of `decided` and the state that it made. `kept` was loaded with `lock`.

    Raises asyncpg.UniqueViolationError when this person has voted.
    """
    last = decided.votes[-1]
    await connection.execute(
        "INSERT INTO approval_decisions (approval_id, owner_user_id, person, jid, approves, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        decided.id,
        kept.owner,
        last.person,
        last.jid,
        last.approves,
        last.at,
    )
    await connection.execute(
        "UPDATE approvals SET state = $2, granted_at = $3 WHERE id = $1", decided.id, decided.state, decided.granted_at
    )
    if decided.state is State.DENIED:  # nobody needs its texts any more
        await connection.execute(f"UPDATE approvals SET {_NO_TEXTS} WHERE id = $1", decided.id)  # noqa: S608 -- constant


async def close(connection: Connection, approval_id: UUID, state: State, before: State) -> bool:
    """Ends one that was `before`, and lets its texts go. False when somebody was faster."""
    done = await connection.fetchval(
        f"UPDATE approvals SET state = $2, {_NO_TEXTS} WHERE id = $1 AND state = $3 RETURNING true",  # noqa: S608 -- constant
        approval_id,
        state,
        before,
    )
    return bool(done)


async def find_for(pool: Pool, jid: str, limit: int) -> list[tuple[UUID, OwnerId]]:
    """Ids of what waits for this address: what it asked for, and what it may decide on. Oldest first."""
    rows = await pool.fetch("SELECT approval_id, owner_user_id FROM find_approvals($1, $2)", jid, limit)
    return [(row["approval_id"], OwnerId(row["owner_user_id"])) for row in rows]


async def find_owner_for(pool: Pool, jid: str, approval_id: UUID) -> OwnerId | None:
    """Whose agent asked for this approval, if it waits for this address; None for one that is not theirs to see."""
    owner = await pool.fetchval(
        "SELECT owner_user_id FROM find_approvals($1, 2147483647) WHERE approval_id = $2", jid, approval_id
    )
    return None if owner is None else OwnerId(owner)


async def count_waiting(connection: Connection, owner: OwnerId, requester: str, now: datetime) -> tuple[int, int]:
    """How many wait for a decision: those that `requester` has asked this owner's agents for, and those of others."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE requester_jid = $2) AS own,"
        " count(*) FILTER (WHERE requester_jid <> $2) AS others"
        " FROM approvals WHERE owner_user_id = $1 AND state = 'pending' AND expires_at > $3",
        owner,
        requester,
        now,
    )
    return (0, 0) if row is None else (row["own"], row["others"])


async def find_unfinished(pool: Pool, now: datetime, limit: int) -> list[tuple[UUID, OwnerId]]:
    """Ids of those that are over their time, and of those that were granted and have not run."""
    rows = await pool.fetch("SELECT approval_id, owner_user_id FROM find_unfinished_approvals($1, $2)", now, limit)
    return [(row["approval_id"], OwnerId(row["owner_user_id"])) for row in rows]


async def find_person(
    where: Pool | Connection, jid: str, owner: OwnerId | None, *, second_factor: bool = False
) -> Person:
    """Who an address is now, towards the agents of `owner`. A guest has no account and no role."""
    row = await where.fetchrow("SELECT account, roles, approves_in FROM find_person($1, $2)", jid, owner)
    if row is None:
        return Person(jid, None)
    return Person(
        jid,
        row["account"],
        frozenset(row["roles"]),
        row["account"] == owner,
        second_factor,
        frozenset(row["approves_in"]),
    )


async def find_approvers(pool: Pool, owner: OwnerId, organisations: Sequence[UUID]) -> list[str]:
    """Addresses of those who may approve for this owner, in these organisations if any are named; 50 at most.

    For the orchestrator's role only.
    """
    rows = await pool.fetch("SELECT jid FROM find_approvers($1, $2)", owner, list(organisations))
    return [row["jid"] for row in rows]


async def showed_second_factor(pool: Pool, owner: OwnerId, session: UUID | None) -> bool:
    """Whether this session of the account began with a second factor: it was confirmed before, so signing in needed it.

    For the gateway's role only. No session is no.
    """
    if session is None:
        return False
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM sessions s JOIN second_factors f USING (owner_user_id)"
            " WHERE s.id = $1 AND s.revoked_at IS NULL AND f.confirmed_at <= s.created_at)",
            session,
        )
    return bool(found)


def _kept(row: asyncpg.Record, votes: Sequence[asyncpg.Record], ring: KeyRing) -> Kept:
    owner = OwnerId(row["owner_user_id"])
    call = Call(
        row["requester_jid"],
        row["agent_id"],
        row["agent_version_id"],
        row["tool_name"],
        ring.open(row["arguments"], _place(owner, row["id"], "arguments")),
        row["policy_hash"],
    )
    terms = Hold(
        row["kind"],
        tuple(row["rules"]),
        row["quorum"],
        tuple(row["approvers"]),
        row["second_factor"],
        tuple(row["organisations"]),
    )
    approval = Approval(
        id=row["id"],
        call=call,
        terms=terms,
        requester=Person(row["requester_jid"], row["requester_account"]),
        asked_at=row["created_at"],
        expires_at=row["expires_at"],
        digest=row["digest"],
        state=State(row["state"]),
        votes=tuple(Vote(one["person"], one["jid"], one["approves"], one["created_at"]) for one in votes),
        granted_at=row["granted_at"],
    )
    message = ring.open(row["message"], _place(owner, row["id"], "message"))
    transcript = ring.open(row["transcript"], _place(owner, row["id"], "transcript"))
    return Kept(approval, owner, TurnId(row["turn_id"]), message, transcript)


def _place(owner: OwnerId, approval: UUID, column: str) -> Place:
    return Place(owner, "approvals", column, approval)
