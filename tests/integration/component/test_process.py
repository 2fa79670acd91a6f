"""`aiox run component` as a process, on the stack's own server, bus and database."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
import structlog

from aiox.cli.chat.client import ChatClient
from aiox.cli.stack.xmpp_accounts import ensure_account
from aiox.kernel.envelope import MessageReceived
from aiox.kernel.ids import AgentId, TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.nats import INBOUND
from aiox.runtime.nats import connect as connect_bus
from aiox.runtime.settings import environment
from aiox.wire.codec import encode
from tests.integration.component.door import enveloped, ready_for
from tests.stack import Place

AGENT = "agent-11111111-1111-4111-8111-111111111111@agents.localhost"


@pytest.fixture(scope="module")
async def door(ejabberd: Place, nats: Place) -> AsyncIterator[Place]:
    assert nats.home == ejabberd.home
    async with component(ejabberd):
        await until_ready(ejabberd)
        await ensure_account(ejabberd.home, ejabberd.settings, "carol", "carol-password")
        yield ejabberd


@asynccontextmanager
async def component(place: Place) -> AsyncIterator[int]:
    """The door as a process; its id."""
    ports = {f"AIOX_PORTS__{name.upper()}": str(port) for name, port in place.settings.ports.model_dump().items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", "run", "component"),
        env={**environment(place.home.root), **ports},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        async with asyncio.timeout(60):
            assert await process.wait() == 0, "SIGTERM ends it in order"


async def until_ready(place: Place) -> None:
    url = f"http://127.0.0.1:{place.settings.ports.component_health}/readyz"
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


def _client(place: Place) -> ChatClient:
    ca_file = place.home.secrets("xmpp").path("ca.crt")
    return ChatClient("carol@localhost", "carol-password", "127.0.0.1", place.settings.ports.xmpp_client, ca_file)


@asynccontextmanager
async def _database(place: Place) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=place.settings.ports.postgres,
        user="postgres",
        password=place.home.secrets("stack").read("postgres"),
        database="aiox",
    )
    try:
        yield connection
    finally:
        await connection.close()


def _row() -> tuple[UUID, bytes]:
    turn, sender = TurnId(uuid4()), BareJid("carol@localhost")
    question = MessageReceived(
        sender_full=sender,
        sender=sender,
        agent_jid=BareJid(AGENT),
        agent_id=AgentId(uuid4()),
        message_id="q1",
        turn_id=turn,
        body="hello",
        stanza_type="chat",
        thread="",
    )
    envelope = enveloped(ready_for(question, "from the table"))
    return envelope.payload.outbox_id, encode(envelope)


async def test_question_is_stored_on_the_stacks_bus_and_receipted(door: Place) -> None:
    client = await connect_bus(door.settings, door.home.secrets("component"), "component", structlog.get_logger())
    try:
        receipted = asyncio.Event()
        async with _client(door) as carol:
            asking = asyncio.create_task(
                carol.ask(AGENT, "hello", 60, lambda sign: receipted.set() if sign == "receipt" else None)
            )
            await receipted.wait()
            assert not asking.done(), "nobody answers: there is no orchestrator here"
            asking.cancel()
            await asyncio.wait([asking])
        assert (await client.jetstream().stream_info(INBOUND)).state.messages >= 1
    finally:
        await client.close()


async def test_row_in_the_table_is_sent_and_marked(door: Place) -> None:
    outbox_id, envelope = _row()
    async with _database(door) as database, _client(door) as carol:
        asking = asyncio.create_task(carol.ask(AGENT, "hello", 60))
        await database.execute(
            "INSERT INTO aiox.outbox (id, turn_id, owner_user_id, envelope, created_at)"
            " VALUES ($1, $1, $2, $3, now() - interval '10 s')",
            outbox_id,
            uuid4(),
            envelope,
        )
        assert (await asking).text == "from the table"
        async with asyncio.timeout(60):
            while await database.fetchval("SELECT sent_at IS NULL FROM aiox.outbox WHERE id = $1", outbox_id):
                await asyncio.sleep(0.05)
