"""Commands over the real bus: asked by those to whom the XMPP server vouches, answered by gateways, nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from aiox.kernel.command import CommandAnswered, CommandAsked
from aiox.runtime import desk
from aiox.runtime import nats as bus
from aiox.runtime.clock import SystemClock
from aiox.runtime.desk import SUBJECT, DeskAbsent, DeskAway, answer_bytes
from aiox.runtime.settings import Service
from aiox.wire.codec import decode
from tests.stack import Place

ASKED = CommandAsked("alice@hub.test/phone", "agents.hub.test", "new", "Ada", {}, True, "k")


@asynccontextmanager
async def connected(place: Place, service: Service) -> AsyncIterator[Client]:
    client = await bus.connect(place.settings, place.home.secrets(service), service, structlog.get_logger())
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def answering(place: Place, service: Service) -> AsyncIterator[list[CommandAsked]]:
    """A desk that answers each command with its name."""
    asked: list[CommandAsked] = []

    async def take(message: Msg) -> None:
        payload = decode(message.data).payload
        assert isinstance(payload, CommandAsked)
        asked.append(payload)
        await message.respond(answer_bytes(CommandAnswered(f"did {payload.name}"), SystemClock()))

    async with connected(place, service) as client:
        await client.subscribe(SUBJECT, "desks", cb=take)
        await client.flush()
        yield asked


@pytest.mark.parametrize("service", ["component", "orchestrator"])
async def test_a_command_is_answered(nats: Place, service: Service) -> None:
    async with answering(nats, "gateway") as asked, connected(nats, service) as client:
        answered = await desk.ask(client, SystemClock(), service, ASKED)
    assert (answered.text, asked) == ("did new", [ASKED])


async def test_without_a_gateway_nothing_is_done(nats: Place) -> None:
    async with connected(nats, "component") as client:
        with pytest.raises(DeskAbsent):
            await desk.ask(client, SystemClock(), "component", ASKED)


async def test_a_bus_that_is_gone_is_not_waited_for(nats: Place) -> None:
    async with connected(nats, "component") as client:
        await client.close()
        with pytest.raises(DeskAbsent):
            await desk.ask(client, SystemClock(), "component", ASKED)


@pytest.mark.parametrize("service", ["gateway", "ai_worker"])
async def test_nobody_else_may_ask(nats: Place, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks is believed who asks: a worker that was taken over could make itself anybody."""
    monkeypatch.setattr(desk, "WAIT_S", 0.5)
    async with answering(nats, "gateway") as asked, connected(nats, service) as client:
        with pytest.raises(DeskAway):
            await desk.ask(client, SystemClock(), service, ASKED)
        await asyncio.sleep(0)
        assert asked == []


@pytest.mark.parametrize("service", ["component", "orchestrator", "ai_worker"])
async def test_nobody_else_may_answer(nats: Place, service: Service) -> None:
    async with answering(nats, service) as asked, connected(nats, "component") as client:
        with pytest.raises(DeskAbsent):
            await desk.ask(client, SystemClock(), "component", ASKED)
        assert asked == []
