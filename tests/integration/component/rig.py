"""The component as a process between the stack's own parts, each of which can be killed; the orchestrator is played."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from aiox.cli.chat.stream import Stream
from aiox.cli.stack import ejabberd, nats, postgres
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.processes import Process
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ensure_account
from aiox.kernel.envelope import MessageReceived
from aiox.kernel.ids import HUB_OWNER, AgentId, TurnId, agent_id_of
from aiox.kernel.jid import BareJid
from aiox.runtime.nats import INBOUND, OUTBOX_READY
from aiox.runtime.nats import connect as connect_bus
from aiox.runtime.settings import environment
from aiox.wire.codec import decode, encode
from tests.e2e.people import Person
from tests.integration.component.door import enveloped, ready_for
from tests.stack import Place, new_place

AGENTS = "agents.localhost"
STARTERS = {
    "postgres": lambda place: postgres.start(place.home, place.settings.ports.postgres),
    "nats": lambda place: nats.start(place.home, place.settings),
    "ejabberd": lambda place: ejabberd.start(place.home, place.settings),
}


def agent(number: int) -> BareJid:
    return BareJid(f"agent-{UUID(int=number + 1, version=4)}@{AGENTS}")


def question(to: str, at: BareJid, body: str = "hello") -> MessageReceived:
    return MessageReceived(
        sender_full=to,
        sender=BareJid(to),
        agent_jid=at,
        agent_id=AgentId(agent_id_of(at.partition("@")[0])),
        message_id="q1",
        turn_id=TurnId(uuid4()),
        body=body,
        stanza_type="chat",
        thread="",
    )


@dataclass
class Rig:
    place: Place
    parts: dict[str, Process] = field(default_factory=dict)
    bus: Client | None = None
    said: dict[str, list[str]] = field(default_factory=dict)
    """By agent: the ids of the answers in the order of their commits."""

    async def start(self, name: str) -> None:
        self.parts[name] = await STARTERS[name](self.place)

    async def kill(self, name: str) -> None:
        """SIGKILL; the part stays away until it is started."""
        os.kill(self.parts[name].pid, signal.SIGKILL)
        with suppress(CannotGoOn):
            await self.parts[name].until_death()
        await self.parts[name].stop()

    async def restart(self, name: str) -> None:
        await self.kill(name)
        await self.start(name)

    @asynccontextmanager
    async def superuser(self, database: str = "aiox") -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=self.place.settings.ports.postgres,
            user="postgres",
            password=self.place.home.secrets("stack").read("postgres"),
            database=database,
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def answer(
        self, to: str, at: BareJid, body: str = "an answer", *, announced: bool = True, owner: UUID = HUB_OWNER
    ) -> str:
        """Concludes a turn: its inbox and outbox row in one commit, then the announcement. Returns the stanza's id."""
        asked = question(to, at)
        ready = ready_for(asked, body)
        envelope = enveloped(ready)
        async with self.superuser() as database, database.transaction():
            await database.execute(
                "INSERT INTO aiox.inbox VALUES ($1, $2, $3, $4, 'q1', 'answered', $1, now(), now())",
                *(asked.turn_id, owner, asked.agent_id, asked.sender),
            )
            await database.execute(
                "INSERT INTO aiox.outbox (id, turn_id, owner_user_id, envelope, created_at)"
                " VALUES ($1, $2, $3, $4, now())",
                *(ready.outbox_id, asked.turn_id, owner, encode(envelope)),
            )
        self.said.setdefault(at, []).append(ready.stanza_id)
        if announced and self.bus is not None and self.bus.is_connected:
            with suppress(NatsError):  # a bus that dies here takes the announcement along; the row is what counts
                await self.bus.publish(OUTBOX_READY, encode(envelope))
                await self.bus.flush(2)
        return ready.stanza_id

    async def until_sent(self, seconds: float = 90) -> None:
        """Waits until every row is marked."""
        async with asyncio.timeout(seconds):
            while await self.unsent():
                await asyncio.sleep(0.05)

    async def unsent(self) -> int:
        """Rows that are not marked."""
        async with self.superuser() as database:
            count: int = await database.fetchval("SELECT count(*) FROM aiox.outbox WHERE sent_at IS NULL")
            return count

    async def archived(self, user: str) -> dict[str, list[str]]:
        """By agent: the ids of what this user's archive holds from it, in its order."""
        async with self.superuser("ejabberd") as database:
            rows = await database.fetch(
                "SELECT bare_peer, origin_id FROM archive WHERE username = $1 AND xml LIKE '%<body>an answer%'"
                " ORDER BY timestamp, id",
                user,
            )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["bare_peer"], []).append(row["origin_id"])
        return found

    async def drain(self) -> None:
        """Takes everything off the bus, as an orchestrator does."""
        await self.stored(take=True)

    async def stored(self, *, take: bool = False) -> list[str]:
        """The bodies of the messages on the bus, in order."""
        assert self.bus is not None
        stream, inbox = self.bus.jetstream(), self.bus.new_inbox()
        subscription = await self.bus.subscribe(inbox)
        config = ConsumerConfig(
            durable_name="rig",
            deliver_subject=inbox,
            filter_subject="aiox.in.*",
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            max_ack_pending=10_000,
        )
        await stream.add_consumer(INBOUND, config)
        try:
            count = (await stream.stream_info(INBOUND)).state.messages
            messages = [await subscription.next_msg(60) for _ in range(count)]
            payloads = [decode(message.data).payload for message in messages]
            for message in messages if take else ():
                await message.ack_sync()
        finally:
            await stream.delete_consumer(INBOUND, "rig")
            await subscription.unsubscribe()
        return [payload.body for payload in payloads if isinstance(payload, MessageReceived)]

    @asynccontextmanager
    async def component(self, instance: int = 1, /, **extra: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """`aiox run component`, ready; stopped in the end if it still runs."""
        process = await self.launch(instance, **extra)
        try:
            await self.until_ready(process, instance)
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                async with asyncio.timeout(60):
                    assert await process.wait() == 0, "SIGTERM ends it in order"

    async def launch(self, instance: int = 1, /, **extra: str) -> asyncio.subprocess.Process:
        ports = self.place.settings.ports.model_dump()
        named = {f"AIOX_PORTS__{name.upper()}": str(port) for name, port in ports.items()}
        with (self.place.home.root / f"component-{instance}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "aiox.cli.main", "run", "component", "--instance", str(instance)),
                env={**environment(self.place.home.root), **named, **extra},
                stdout=log,
                stderr=log,
            )

    async def until_ready(self, process: asyncio.subprocess.Process, instance: int = 1) -> None:
        port = ports_of("component", self.place.settings.ports, instance).component_health
        async with asyncio.timeout(90), aiohttp.ClientSession() as session:
            while True:
                assert process.returncode is None, f"it ended: {self.last_words(instance)}"
                with suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)

    def last_words(self, instance: int = 1) -> str:
        """The end of what a component has written."""
        return (self.place.home.root / f"component-{instance}.log").read_text()[-2000:]

    @asynccontextmanager
    async def online(self, name: str) -> AsyncIterator[Person]:
        """A client of this account."""
        person = Person()
        ca_file, port = self.place.home.secrets("xmpp").path("ca.crt"), self.place.settings.ports.xmpp_client
        stream = Stream(f"{name}@localhost", f"{name}-password", "127.0.0.1", port, ca_file, person.take)
        person.stream = stream
        await stream.open()
        try:
            yield person
        finally:
            await stream.close()


@asynccontextmanager
async def rig(names: Iterable[str] = ("carol", "dora"), components: int = 1) -> AsyncIterator[Rig]:
    """PostgreSQL, NATS and the XMPP server of a throw-away hub with these accounts."""
    with TemporaryDirectory(prefix="aiox-test-") as folder:
        made = new_place(Path(folder))
        settings = made.settings.model_copy(update={"components": components})
        it = Rig(Place(made.home, settings))
        try:
            await it.start("postgres")
            await postgres.migrate(made.home, settings.ports.postgres)
            await it.start("nats")
            await it.start("ejabberd")
            for name in names:
                await ensure_account(made.home, settings, name, f"{name}-password")
            it.bus = await connect_bus(
                settings, made.home.secrets("orchestrator"), "orchestrator", structlog.get_logger()
            )
            yield it
        finally:
            if it.bus is not None:
                await it.bus.close()
            for name in reversed(list(it.parts)):
                await it.parts[name].stop()
