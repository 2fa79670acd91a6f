"""The gateway's desk on the real bus: a command that fails is answered, and the next one is done."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
import structlog

from aiox.commands import chat_desk
from aiox.commands.chat_desk import Desk
from aiox.kernel.command import CommandAnswered, CommandAsked
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime import desk as runtime_desk
from aiox.runtime import nats as bus
from aiox.runtime.clock import SystemClock
from gateway.desk import CommandDesk
from registry.idempotency import Keys
from registry.rates import RatesUnavailable
from tests.stack import Place
from tests.stores import Stores


async def _no_bus(_envelope: Envelope[MessageReceived]) -> None:
    raise AssertionError("no test here puts a message on the bus")


async def test_commands_over_the_bus(nats: Place, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    log, clock, left = structlog.get_logger(), SystemClock(), [1]

    async def count(_action: str, _who: str) -> int:
        if not left:
            raise RatesUnavailable("Redis is away")
        return left[0]

    owner = await stores.account()
    client = await bus.connect(nats.settings, nats.home.secrets("gateway"), "gateway", log)
    asker = await bus.connect(nats.settings, nats.home.secrets("component"), "component", log)
    desk = CommandDesk(Desk(stores.hub, Keys(stores.pools["gateway"], stores.keys), _no_bus, count), clock, log)
    await desk.listen(client)
    await client.flush()
    work = asyncio.ensure_future(desk.work())

    async def ask(name: str, words: str = "") -> CommandAnswered:
        asked = CommandAsked(f"{owner.jid}/phone", "agents.localhost", name, words, {}, True)
        return await runtime_desk.ask(asker, clock, "component", asked)

    try:
        assert "Ada is there" in (await ask("new", "Ada")).text
        left.clear()
        assert (await ask("new", "Grace")).error_code == "HUB_BUSY"
        left.append(1)
        with monkeypatch.context() as broken:
            broken.setattr(chat_desk, "_asker", None)
            assert (await ask("agents")).error_code == "INTERNAL"
        assert (await ask("agents")).text.count("xmpp:") == 1
        assert "no payload" not in (await ask("help")).text
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        await asker.close()
        await client.close()
