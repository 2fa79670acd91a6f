"""A client of other people: profanity in a terminal sees the agent, takes it up, and talks with it."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.e2e.profanity import profanity
from tests.stack import RunningHub


async def test_an_agent_in_a_console_client(hub: RunningHub, tmp_path: Path) -> None:
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    async with profanity(hub, owner, tmp_path) as client:
        made = await hub.agent(owner, name="Konstanze", governance=ROOMY)
        await client.shows("Online (1)", "Konstanze")
        client.type(f"/msg {made.jid} Good morning")
        await client.shows("I am Konstanze", "not from a person", "me: Good morning", "offline")
        client.type(f"/info {made.jid}")
        await client.shows("AI agent")
