"""What tests of governance need on real stores: a hub policy for a while, organisations, people with roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID, uuid4

from aiox.commands.hub import Actor
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import HUB_OWNER, AgentId, TurnId
from aiox.kernel.jid import BareJid
from aiox.wire.codec import encode
from tests.stores import NOW, Stores

OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))


@asynccontextmanager
async def hub_policy_kept(stores: Stores) -> AsyncIterator[None]:
    """The hub's policy is shared with other tests: afterwards it is what it was."""
    try:
        yield
    finally:
        async with stores.superuser() as connection:
            await connection.execute(
                "INSERT INTO active_policies VALUES ($1, 1, now()) ON CONFLICT (scope) DO UPDATE SET version = 1",
                HUB_OWNER,
            )


async def remove_hub_policy(stores: Stores) -> None:
    """As if nobody had ever made one."""
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM active_policies WHERE scope = $1", HUB_OWNER)


async def organisation(stores: Stores, actor: Actor, role: str = "owner") -> UUID:
    """A new one with one member."""
    found = uuid4()
    async with stores.superuser() as connection:
        await connection.execute("INSERT INTO organisations VALUES ($1, 'o', now())", found)
    await join(stores, found, actor, role)
    return found


async def join(stores: Stores, scope: UUID, actor: Actor, role: str) -> None:
    """Makes somebody a member, or gives them another role."""
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO memberships VALUES ($1, $2, $3, now())"
            " ON CONFLICT (organisation_id, user_id) DO UPDATE SET role = EXCLUDED.role",
            scope,
            actor.owner,
            role,
        )


def message_event(jid: str, agent: AgentId, now: datetime = NOW) -> bytes:
    """A message that somebody sent to an agent, as the bus carries it."""
    message = MessageReceived(
        jid, BareJid(jid), BareJid("a@agents.localhost"), agent, "", TurnId(uuid4()), "write", "chat", ""
    )
    event = Envelope(uuid4(), "message.received", 1, None, "xmpp", uuid4(), uuid4(), now, "test", "", message)
    return encode(event)
