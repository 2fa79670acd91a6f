"""`aiox key rotate` beside a running hub: the conversation goes on, in the processes that were there before."""

from __future__ import annotations

import os
import sys

from aiox.cli.stack.processes import run
from tests.stack import RunningHub


async def shell(hub: RunningHub, *words: str) -> str:
    """What an operator types, with what it prints."""
    environment = {**os.environ, "AIOX_HOME": str(hub.home.root)}
    return await run(sys.executable, "-m", "aiox.cli.main", *words, environment=environment)


async def test_keys_are_exchanged_while_people_talk(hub: RunningHub) -> None:
    person = await hub.account()
    agent = await hub.agent(person, system_prompt="Be kind.")
    async with hub.client(person) as client:
        before = await client.ask(agent.jid, "remember: my boat is called Alma", 60)
        assert not before.error_code
        processes = hub.pids()
        listed = await shell(hub, "key", "list")
        told = await shell(hub, "key", "rotate", "--settle-s", "0")
        assert "none is left under an older key" in told
        after = await client.ask(agent.jid, "What is my boat called?", 60)
        assert not after.error_code
        other = await hub.agent(person, name="Second", system_prompt="Be brief.")
        assert not (await client.ask(other.jid, "Hello", 60)).error_code
    assert hub.pids() == processes
    assert (await shell(hub, "key", "list")).count("current") == listed.count("current") == 1
    assert "wraps nothing" in await shell(hub, "key", "list")
