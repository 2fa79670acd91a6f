"""What was used and decided, for a person who asks. Owner-scoped; figures of PostgreSQL, which follow each turn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.postgres import Pool, owner_scope


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens, in the current day and minute (UTC)."""

    account_today: int
    account_minute: int
    mine_today: int
    """Of one correspondent with one agent."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of the gate, as the ledger has it."""

    at: datetime
    action: str
    tool: str
    decision: str
    code: str
    rules: tuple[str, ...]
    policy: str
    proof: str = ""
    """How the domain of who asked was proven; empty beside the XMPP door."""


async def used(pool: Pool, owner: OwnerId, agent: AgentId, subject: str, now: datetime) -> Used:
    """What the owner's account and this correspondent have used."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT coalesce((SELECT tokens_used_today FROM user_quotas WHERE user_id = $1"
            "   AND last_reset AT TIME ZONE 'UTC' >= date_trunc('day', $4 AT TIME ZONE 'UTC')), 0) AS today,"
            " coalesce((SELECT tokens_used_minute FROM user_quotas WHERE user_id = $1"
            "   AND last_reset >= date_trunc('minute', $4)), 0) AS minute,"
            " coalesce((SELECT sum(tokens_used) FROM executions WHERE owner_user_id = $1 AND agent_id = $2"
            "   AND subject_jid = $3 AND created_at AT TIME ZONE 'UTC' >= date_trunc('day', $4 AT TIME ZONE 'UTC')), 0)"
            " AS mine",
            owner,
            agent,
            subject,
            now,
        )
    if row is None:
        raise RuntimeError("a query of sums always gives one row")
    return Used(int(row["today"]), int(row["minute"]), int(row["mine"]))


async def last_decisions(pool: Pool, owner: OwnerId, actor: str, limit: int) -> list[Decided]:
    """The newest decisions on turns and tool calls that this address asked for of the owner's agents."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT details, created_at FROM audit_logs WHERE owner_user_id = $1 AND actor = $2"
            " AND event_type = 'gate.decision' AND details ->> 'action' IN ('agent.invoke', 'tool.call')"
            " ORDER BY created_at DESC LIMIT $3",
            owner,
            actor,
            limit,
        )
    return [_decided(json.loads(row["details"]), row["created_at"]) for row in rows]


def _decided(details: dict[str, object], at: datetime) -> Decided:
    rules = details.get("rules")
    return Decided(
        at=at,
        action=str(details.get("action", "")),
        tool=str(details.get("tool", "")),
        decision=str(details.get("decision", "")),
        code=str(details.get("reason_code", "")),
        rules=tuple(str(rule) for rule in rules) if isinstance(rules, list) else (),
        policy=str(details.get("policy", "")),
        proof=str(details.get("proof", "")),
    )
