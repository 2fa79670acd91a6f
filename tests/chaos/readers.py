"""Reads the evidence from the stores as the superuser sees them. Thin: the judgement is in checker.py."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID
from xml.etree.ElementTree import fromstring

import asyncpg
import nats
from nats.errors import Error as NatsError

from aiox.cli.stack import postgres
from aiox.cli.stack.home import Home
from aiox.kernel.ids import turn_id_of
from aiox.kernel.jid import bare
from aiox.runtime.nats import INBOUND
from aiox.runtime.postgres import Connection
from aiox.runtime.settings import Settings
from bench.load.journal import Message
from bench.load.plan import marks
from policy.ledger import Fault
from registry.ledger import verify_chain
from tests.chaos.checker import (
    Archived,
    Evidence,
    Execution,
    Fenced,
    InboxRow,
    LedgerRow,
    OutboxRow,
    Quota,
    Said,
)


@asynccontextmanager
async def superuser(home: Home, settings: Settings, database: str = "aiox") -> AsyncIterator[Connection]:
    """A connection that no rule holds back."""
    pool = asyncpg.create_pool(
        host="127.0.0.1",
        port=settings.ports.postgres,
        user=postgres.SUPERUSER,
        password=home.secrets("stack").read("postgres"),
        database=database,
        min_size=1,
        max_size=1,
        server_settings={"search_path": "aiox" if database == "aiox" else "public"},
    )
    async with pool, pool.acquire() as connection:
        yield connection


async def evidence(home: Home, settings: Settings, messages: Collection[Message], owners: Collection[UUID]) -> Evidence:
    """All that the stores say about these owners' turns. The hub's tables at one moment: it goes on summing up."""
    users = {bare(message.sender).split("@")[0]: bare(message.sender) for message in messages}
    async with (
        superuser(home, settings) as hub,
        superuser(home, settings, postgres.XMPP_DATABASE) as server,
        hub.transaction(isolation="repeatable_read", readonly=True),
    ):
        chain = await verify_chain(hub)
        return Evidence(
            said=[said(message) for message in messages],
            inbox=await _inbox(hub, owners),
            archive=await _archive(server, users, settings.agents_domain),
            executions=[
                Execution(row["id"], row["owner_user_id"], row["outcome"], row["tokens_used"], row["created_at"])
                for row in await hub.fetch("SELECT * FROM executions WHERE owner_user_id = ANY ($1)", list(owners))
            ],
            ledger=await _ledger(hub, owners),
            quotas=[
                Quota(row["user_id"], row["tokens_used_today"], row["last_reset"])
                for row in await hub.fetch("SELECT * FROM user_quotas WHERE user_id = ANY ($1)", list(owners))
            ],
            outbox=[
                OutboxRow(row["id"], row["turn_id"], row["sent_at"] is not None)
                for row in await hub.fetch("SELECT * FROM outbox WHERE owner_user_id = ANY ($1)", list(owners))
            ],
            chain_fault=f"record {chain.seq}: {chain.what}" if isinstance(chain, Fault) else "",
            fences=await _fences(hub),
        )


def said(message: Message) -> Said:
    """A message of a client's journal, and the turn that its id and body make it."""
    sender = bare(message.sender)
    turn = turn_id_of(sender, bare(message.agent), message.id, message.body)
    return Said(message.id, sender, turn, message.receipted is not None, message.id in marks(message.body))


async def _inbox(hub: Connection, owners: Collection[UUID]) -> list[InboxRow]:
    rows = await hub.fetch("SELECT * FROM inbox WHERE owner_user_id = ANY ($1)", list(owners))
    return [
        InboxRow(
            turn_id=row["turn_id"],
            owner=row["owner_user_id"],
            agent_id=row["agent_id"],
            sender=row["sender_jid"],
            message_id=row["message_id"],
            outcome=row["outcome"],
            correlation_id=row["correlation_id"],
            admitted_at=row["admitted_at"],
        )
        for row in rows
    ]


async def _ledger(hub: Connection, owners: Collection[UUID]) -> list[LedgerRow]:
    rows = await hub.fetch(
        "SELECT event_type, owner_user_id, correlation_id, details FROM audit_logs WHERE owner_user_id = ANY ($1)",
        list(owners),
    )
    return [
        LedgerRow(row["event_type"], row["owner_user_id"], row["correlation_id"], json.loads(row["details"]))
        for row in rows
    ]


async def _archive(server: Connection, users: Mapping[str, str], agents_domain: str) -> list[Archived]:
    rows = await server.fetch(
        "SELECT username, timestamp, id, xml, txt FROM archive WHERE username = ANY ($1) AND bare_peer LIKE $2",
        list(users),
        f"%@{agents_domain}",
    )
    return [archived for row in rows if (archived := _received(row, users)) is not None]


def _received(row: asyncpg.Record, users: Mapping[str, str]) -> Archived | None:
    """An archived text, unless the user sent it. Receipts may be archived too, one for each time a message was sent."""
    message = fromstring(row["xml"])  # noqa: S314 -- our own server's archive
    sender, user = message.get("from", ""), users[row["username"]]
    if bare(sender) == user or not row["txt"]:
        return None
    return Archived(user, sender, (row["timestamp"], row["id"]), message.get("id", ""), row["txt"])


async def _fences(hub: Connection) -> list[Fenced]:
    if await hub.fetchval("SELECT to_regclass('aiox.chaos_fences')") is None:
        return []
    return [Fenced(row["partition"], row["shown"], row["held"]) for row in await hub.fetch("TABLE aiox.chaos_fences")]


async def unfinished(home: Home, settings: Settings, messages: Iterable[Message]) -> tuple[int, int]:
    """Receipted messages without an outcome, and replies that are not confirmed."""
    turns = [said(message).turn_id for message in messages if message.receipted is not None]
    async with superuser(home, settings) as hub:
        open_turns = await hub.fetchval(
            "SELECT count(*) FROM unnest($1::uuid[]) AS t (id) WHERE NOT EXISTS"
            " (SELECT FROM inbox WHERE turn_id = t.id)",
            turns,
        )
        unsent = await hub.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    return int(open_turns), int(unsent)


async def on_the_bus(home: Home, settings: Settings) -> int:
    """Messages that the bus still holds: admitted, and not acknowledged. 1 while it is away."""
    try:
        client = await nats.connect(
            f"nats://127.0.0.1:{settings.ports.nats}",
            user="orchestrator",
            password=home.secrets("orchestrator").read("nats"),
            inbox_prefix="_INBOX.orchestrator",
            allow_reconnect=False,
            error_cb=_ignore,
        )
        try:
            return int((await client.jetstream().stream_info(INBOUND)).state.messages)
        finally:
            await client.close()
    except (NatsError, OSError, TimeoutError):
        return 1


async def _ignore(_error: Exception) -> None:
    """The caller asks again."""
