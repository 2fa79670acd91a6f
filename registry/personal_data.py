"""Everything the hub holds about a person, read for that person (SPEC 5): table by table, page by page.

A test compares both lists with the catalogue: no owner table is forgotten.
"""

# ruff: noqa: S608 -- tables and columns are constants of this file

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from aiox.kernel.canonical import Json
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Pool, owner_scope
from aiox.wire.codec import decode

PAGE: Final = 200
"""Rows read at a time, so that no transaction waits for a slow reader."""

Rows = Sequence[Any]
RingOf = Callable[[OwnerId], Awaitable[KeyRing]]


@dataclass(frozen=True, slots=True)
class Table:
    """How an owner table is exported: `hidden` columns are left out, `sealed` ones opened; `record` names the row."""

    hidden: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    record: str = "id"
    binary: tuple[str, ...] = ()
    """Columns of bytes that are no ciphertext: shown in hexadecimal."""
    only: str = "true"
    """Which of the owner's rows: what guests have sent is theirs."""


EXPORTED: Final[Mapping[str, Table]] = MappingProxyType(
    {
        "agents": Table(),
        "asked_turns": Table(sealed=("answer",), record="correlation_id"),
        "agent_addresses": Table(record="address_id"),
        "agent_avatars": Table(binary=("image",)),
        "agent_drafts": Table(sealed=("system_prompt",), record="agent_id"),
        "agent_versions": Table(sealed=("system_prompt",)),
        "agent_grants": Table(),
        "agent_rooms": Table(),
        "agent_storage": Table(record="agent_id"),
        "agent_tools": Table(),
        "approvals": Table(hidden=("arguments", "message", "transcript")),
        "approval_decisions": Table(hidden=("person",)),
        "audit_logs": Table(hidden=("record", "hash", "previous_hash")),
        "dead_letters": Table(hidden=("envelope",)),
        "documents": Table(hidden=("sha256", "file_key"), sealed=("content",), only="scope = 'agent'"),
        "executions": Table(hidden=("input", "output", "scoring")),
        "mcp_servers": Table(),
        "preferences": Table(),
        "reactions": Table(hidden=("subject_jid",), record="execution_id"),
        "retractions": Table(hidden=("subject_jid",), record="execution_id"),
        "provider_credentials": Table(hidden=("secret",)),
        "quota_notices": Table(record="scope_id"),
        "quota_usage": Table(record="scope_id"),
        "second_factors": Table(hidden=("secret",)),
        "sessions": Table(hidden=("xmpp_token",)),
        "state_events": Table(hidden=("xact",)),
        "tool_calls": Table(hidden=("arguments_digest", "result_digest")),
        "user_quotas": Table(),
    }
)
"""Owner tables that are read whole. Texts of turns and memories come by their subject, see `told` and `turns`."""

NOT_EXPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agent_memories": "read by subject: an owner is not shown what guests told an agent",
        "chat_choices": "until when an agent is muted, and since when a conversation is new: times, no words",
        "idempotency_keys": "answers to requests of the last day, in their form: the things themselves are here",
        "inbox": "ids of messages that were answered: the same turns as in executions",
        "mail_tokens": "digests of secrets",
        "memories_waiting": "ids of memories that have no vector yet: the memories themselves are here",
        "memory_vectors_384": "computed from the memories",
        "memory_words": "computed from the memories",
        "outbox": "on its way: the same texts as in the turns",
        "recovery_codes": "digests of secrets",
        "refresh_tokens": "digests of secrets",
        "summary_marks": "times up to which conversations are summed up: the summaries are among the memories",
        "tenant_keys": "keys",
        "users": "read as the account",
    }
)
"""Owner tables that are left out, and why."""


async def account(pool: Pool, jid: BareJid) -> Json:
    """The account behind an address; None for a guest."""
    row = await pool.fetchrow("SELECT to_jsonb(p) AS row FROM find_subject($1) p", jid)
    return None if row is None else json.loads(row["row"])


async def rows_of(pool: Pool, ring: KeyRing, owner: OwnerId, name: str) -> AsyncIterator[Json]:
    """The account's own rows of one of the EXPORTED tables, oldest first."""
    table = EXPORTED[name]
    sealed = "".join(f", {column}" for column in table.sealed)
    left_out = [*table.hidden, *table.sealed, "owner_user_id"]
    query = (
        f"SELECT to_jsonb(t) - $2::text[] AS row{sealed}{f', {table.record} AS record' if sealed else ''}"
        f" FROM {name} t WHERE owner_user_id = $1 AND {table.only} ORDER BY {_order(name)} LIMIT $3 OFFSET $4"
    )

    async def page(offset: int) -> Rows:
        async with owner_scope(pool, owner) as connection:
            return await connection.fetch(query, owner, left_out, PAGE, offset)

    async for row in _pages(page):
        found: dict[str, Json] = json.loads(row["row"])
        for column in table.sealed:
            if row[column] is not None:
                found[column] = ring.open(row[column], Place(owner, name, column, row["record"])).decode()
        yield found


async def told(pool: Pool, owner: OwnerId | None, jid: BareJid) -> AsyncIterator[Json]:
    """What agents remember: of this person under any owner, and of an account's own documents."""

    async def page(offset: int) -> Rows:
        return await pool.fetch("SELECT * FROM told_by($1, $2) LIMIT $3 OFFSET $4", owner, jid, PAGE, offset)

    async for row in _pages(page):
        yield _plain(row, "agent_id", "id", "scope", "kind", "content", "created_at")


async def turns(pool: Pool, ring_of: RingOf, jid: BareJid) -> AsyncIterator[Json]:
    """What this person asked, and what was answered, under any owner."""

    async def page(offset: int) -> Rows:
        return await pool.fetch("SELECT * FROM turns_of($1) LIMIT $2 OFFSET $3", jid, PAGE, offset)

    async for row in _pages(page):
        found = _plain(row, "agent_id", "id", "outcome", "tokens_used", "created_at")
        for column in ("input", "output"):
            if row[column] is not None:
                ring = await ring_of(OwnerId(row["owner_user_id"]))
                place = Place(row["owner_user_id"], "executions", column, row["id"])
                found[column] = ring.open(row[column], place).decode()
        yield found


async def set_aside(pool: Pool, ring_of: RingOf, jid: BareJid) -> AsyncIterator[Json]:
    """Messages of this person that could not be answered."""

    async def page(offset: int) -> Rows:
        return await pool.fetch("SELECT * FROM set_aside_of($1) LIMIT $2 OFFSET $3", jid, PAGE, offset)

    async for row in _pages(page):
        found = _plain(row, "agent_id", "turn_id", "created_at")
        if row["envelope"] is not None:
            ring = await ring_of(OwnerId(row["owner_user_id"]))
            place = Place(row["owner_user_id"], "dead_letters", "envelope", row["turn_id"])
            found["body"] = str(getattr(decode(ring.open(row["envelope"], place)).payload, "body", ""))
        yield found


async def granted(pool: Pool, jid: BareJid) -> AsyncIterator[Json]:
    """Agents of others that were shared with this very address."""

    async def page(offset: int) -> Rows:
        return await pool.fetch("SELECT * FROM granted_to($1) LIMIT $2 OFFSET $3", jid, PAGE, offset)

    async for row in _pages(page):
        yield _plain(row, "agent_id", "created_at")


async def _pages(page: Callable[[int], Awaitable[Rows]]) -> AsyncIterator[Any]:
    offset = 0
    while rows := await page(offset):
        for row in rows:
            yield row
        offset += len(rows)


def _order(name: str) -> str:
    """`ctid` tells rows of one instant apart, so that none falls between two pages."""
    return {"user_quotas": "user_id", "audit_logs": "seq"}.get(name, "created_at, ctid")


def _plain(row: Any, *names: str) -> dict[str, Json]:
    return {name: row[name] if isinstance(row[name], int | str) else str(row[name]) for name in names}
