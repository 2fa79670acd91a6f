"""The troubles that the runbooks are for, as they are made, and the looks that tell them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element

from aiohttp import web

from aiox.cli.backup.shelf import Shelf
from aiox.cli.chat.client import RECEIPTS
from aiox.cli.stack.home import Home
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import turn_id_of
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.wire.codec import encode
from registry import dead_letters, tenants
from registry.dead_letters import DeadLetter
from tests.e2e.database import superuser
from tests.e2e.left_behind import all_is_concluded
from tests.e2e.people import answer_to, online
from tests.e2e.runbooks.book import Runbook
from tests.stack import Account, RunningHub, free_ports

PROVIDER = "openai"
WITH_RECEIPT = Element(f"{{{RECEIPTS}}}request")


def book(hub: RunningHub, name: str) -> Runbook:
    return Runbook(name, hub.home.root)


def mends(said: str, what: str) -> bool:
    """Whether the doctor found something to mend about it."""
    return any(line.startswith(f"  MEND {what}") for line in said.splitlines())


async def doctor(follower: Runbook) -> str:
    """The doctor's words, whether or not this machine itself has something to mend."""
    try:
        return await follower.follow("aiox doctor")
    except AssertionError as found:
        return str(found)


async def set_aside(hub: RunningHub, person: Account, text: str) -> DeadLetter:
    """A turn that failed too often, written as the orchestrator does."""
    agent = await hub.agent(person)
    jid, sender, message_id = BareJid(agent.jid), BareJid(person.jid), uuid4().hex
    turn = turn_id_of(sender, jid, message_id, text)
    message = MessageReceived(f"{sender}/x", sender, jid, agent.agent_id, message_id, turn, text, "chat", "")
    now, correlation = SystemClock().now(), uuid4()
    event = Envelope(uuid4(), "message.received", 1, None, "xmpp", correlation, uuid4(), now, "component", "", message)
    letter = DeadLetter(turn, person.actor.owner, agent.agent_id, sender, "it died", 5, correlation, now, "")
    async with hub.commands() as desk:
        ring = await tenants.load_ring(desk.pool, desk.keys, person.actor.owner)
    sealed = dead_letters.seal(ring, person.actor.owner, turn, encode(event))
    async with superuser(hub) as connection:
        await connection.execute(
            "SELECT bury($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *(turn, letter.owner, letter.agent, sender, letter.reason, 5, sealed, correlation, now),
        )
    return letter


def examined(hub: RunningHub) -> str:
    follower = book(hub, "drift")
    try:
        return follower.type_in(["doctor"], "", True)
    except AssertionError as found:
        return str(found)


@asynccontextmanager
async def provider(hub: RunningHub) -> AsyncIterator[tuple[Account, Any]]:
    """Somebody whose agent thinks with the hub's own credential; it is forgotten in the end."""
    person = await hub.account()
    config = {"provider": "openai", "model": "stub", "fallbacks": []}
    agent = await hub.agent(person, llm_config=config)
    follower = book(hub, "invalid-credentials")
    try:
        yield person, agent
    finally:
        await asyncio.to_thread(follower.type_in, ["credential", "delete", "openai"], "", False)


@asynccontextmanager
async def judging(status: list[int]) -> AsyncIterator[str]:
    """An endpoint that takes a key, or refuses it, as the list says."""

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": []}, status=status[0])

    application = web.Application()
    application.router.add_get("/v1/models", models)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Copied:
    """A backup of a hub in which a message waited, the hub that was made of it, and who had written."""

    follower: Runbook
    hub: RunningHub
    person: Account
    agent: str
    waits: str


async def copied(hub: RunningHub, folder: Path) -> Copied:
    """Follows the page up to a hub that could be started: with other ports, because the first one still runs."""
    person = await hub.account(quota={"tokens_per_minute": 1_000_000})
    agent = await hub.agent(person, governance={"max_tokens_per_minute": 1_000_000})
    orchestrator = hub.pids()["orchestrator"]
    async with online(hub, person) as talk:
        await answer_to(talk, agent.jid, "remember: my boat is called Alma")
        await all_is_concluded(hub)  # what the tests before have begun
        os.kill(orchestrator, signal.SIGSTOP)  # what is receipted now waits on the bus
        try:
            await talk.receipt_for(waits := talk.say(agent.jid, "What is my boat called?", extra=(WITH_RECEIPT,)))
            assert "1 messages that wait" in await book(hub, "drift").follow("aiox backup create")
        finally:
            os.kill(orchestrator, signal.SIGCONT)
        await answer_to(talk, agent.jid, "This came later")
    backup = Shelf.of(hub.settings).newest()
    assert backup is not None
    assert str(backup.path) in await book(hub, "restore").follow("aiox backup list")

    there, ports = folder / "home", free_ports()
    moved = {f"AIOX_PORTS__{name.upper()}": str(port) for name, port in ports.model_dump().items()}
    follower = Runbook("restore", there, moved)
    assert "1 messages wait for their answer" in await follower.follow("aiox restore FILE", FILE=backup.path)
    assert "not empty" in await follower.follow("aiox restore FILE", FILE=backup.path, fails=True)
    settings = hub.settings.model_copy(update={"home": there, "ports": ports})
    return Copied(follower, RunningHub(Home(there), settings, moved), person, agent.jid, waits)
