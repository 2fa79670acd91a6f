"""Two agents that were told to talk to each other answer a few times and stop by themselves; the stop is on record."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import structlog

from aiox.commands.create_agent import AgentCreated
from aiox.kernel.envelope import XMPP, Envelope, MessageReceived
from aiox.kernel.ids import TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime import nats
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import owner_scope
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.stack import Account, RunningHub

MOST = 16
"""Turns: fewer than both together may take before the guard speaks, by hops or by number."""


def first_word(sender: BareJid, to: AgentCreated) -> Envelope[MessageReceived]:
    """What the first says to the second, as the door would have admitted it."""
    turn = TurnId(uuid4())
    text = "Tell me something, and I tell you something, for ever."
    message = MessageReceived(f"{sender}/aiox", sender, to.jid, to.agent_id, str(turn), turn, text, "chat", "")
    return Envelope(uuid4(), "message.received", 1, None, XMPP, turn, turn, SystemClock().now(), "test", "", message)


async def test_they_stop_by_themselves(hub: RunningHub) -> None:
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    shared = {"visibility": "shared", "shared_with": [hub.settings.agents_domain], "governance": ROOMY}
    one, two = [await hub.agent(owner, name=name, **shared) for name in ("One", "Two")]
    bus = await nats.connect(hub.settings, hub.home.secrets("component"), "component", structlog.get_logger())
    try:
        await nats.put_inbound(bus, first_word(one.jid, two))
    finally:
        await bus.close()
    async with asyncio.timeout(90):
        while await stops(hub, one, two) == 0:
            await asyncio.sleep(0.2)
    said = await turns(hub, owner)
    assert 2 <= said <= MOST, "they did talk, and not for long"
    await asyncio.sleep(1)
    assert await turns(hub, owner) <= said + 1, "what was on its way may end; nothing begins"


async def stops(hub: RunningHub, *agents: AgentCreated) -> int:
    async with hub.commands() as commands:
        rows = await commands.pool.fetch(
            "SELECT details, actor FROM ledger_list(NULL, 'loop.stopped', NULL, NULL, NULL, NULL, 100)"
        )
    return sum(row["actor"] in [one.jid for one in agents] for row in rows)


async def turns(hub: RunningHub, owner: Account) -> int:
    async with hub.commands() as commands, owner_scope(commands.pool, owner.actor.owner) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM executions"))
