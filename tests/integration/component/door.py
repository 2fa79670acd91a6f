"""The door put together on real servers, with a hub of a few lines behind the bus and the outbox table in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import nats
import structlog
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from aiox.kernel.envelope import Envelope, MessageReceived, OutboxReady
from aiox.kernel.ids import HUB_OWNER, AgentId, derived_id
from aiox.kernel.jid import BareJid, agent_jid
from aiox.runtime.clock import SystemClock
from aiox.runtime.nats import ensure_inbound
from aiox.runtime.settings import Limits, Settings
from aiox.runtime.supervisor import Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.wire.codec import decode
from component.admission import Admission, Chance
from component.buckets import Buckets
from component.bus import JetStreamBus
from component.enquiries import Enquiries, Known
from component.outbox import Outbox, Stores
from component.service import Router
from component.talk import Talk
from component.watchers import Watchers
from component.xmpp import XmppLink
from registry.archive import Kept, Stanza
from registry.cards import Card, Entry, Listing, Page
from registry.outbox import Row
from tests.integration.component.servers import AGENTS, DOMAIN, SECRET, Ejabberd, Nats, until

Answer = Callable[[MessageReceived], OutboxReady | None]


def ready_for(question: MessageReceived, body: str = "", error_code: str = "") -> OutboxReady:
    outbox_id = derived_id(question.turn_id, "outbox")
    return OutboxReady(
        outbox_id=outbox_id,
        turn_id=question.turn_id,
        owner=HUB_OWNER,
        from_jid=question.agent_jid,
        to_jid=question.sender_full,
        kind="error" if error_code else "answer",
        body=body,
        error_code=error_code,
        stanza_id=str(outbox_id),
        reply_to_id=question.message_id,
        stanza_type=question.stanza_type,
        thread=question.thread,
        part=1,
    )


def enveloped(ready: OutboxReady) -> Envelope[OutboxReady]:
    now = SystemClock().now()
    return Envelope(uuid4(), "outbox.ready", 1, HUB_OWNER, "xmpp", uuid4(), uuid4(), now, "test", "", ready)


@dataclass
class Table:
    """The outbox table, and an archive that keeps nothing: the pong alone is the proof."""

    rows: dict[UUID, Envelope[OutboxReady]] = field(default_factory=dict)
    marked: list[UUID] = field(default_factory=list)

    def put(self, ready: OutboxReady) -> Envelope[OutboxReady]:
        return self.rows.setdefault(ready.outbox_id, enveloped(ready))

    @property
    def stores(self) -> Stores:
        return Stores(self._pending, self._due, self._mark_sent, self._look_up)

    async def _pending(self, after: int, _older_than_s: float, limit: int) -> list[Row]:
        numbered = enumerate(self.rows.items(), 1)
        return [Row(key, seq, key, 0.0, row) for seq, (key, row) in numbered if seq > after][:limit]

    async def _due(self, ids: Sequence[UUID]) -> list[Row]:
        return [row for row in await self._pending(0, 0.0, 10_000) if row.id in ids]

    async def _mark_sent(self, ids: Sequence[UUID]) -> None:
        self.marked += ids
        for one in ids:
            self.rows.pop(one, None)

    async def _look_up(self, stanzas: Sequence[Stanza]) -> list[Kept]:
        return [Kept.NEVER] * len(stanzas)


@dataclass
class Door:
    link: XmppLink
    outbox: Outbox
    admission: Admission
    table: Table
    client: Client
    seen: list[MessageReceived]
    visible: set[AgentId]
    answer: Answer = lambda question: ready_for(question, f"You said: {question.body}")


async def _hub(door: Door, subscription: Subscription) -> None:
    """Takes questions from the bus, answers each through the outbox, and acknowledges last."""
    async for message in subscription.messages:
        question = decode(message.data).payload
        assert isinstance(question, MessageReceived)
        door.seen.append(question)
        if (ready := door.answer(question)) is not None:
            door.outbox.take(door.table.put(ready))
        await message.ack()


@asynccontextmanager
async def open_door(xmpp: Ejabberd, bus: Nats, folder: Path, per_minute: int = 60_000) -> AsyncIterator[Door]:
    log = structlog.get_logger()
    supervisor = Supervisor(log, stop_budget_s=3)
    telemetry = Telemetry("component", folder)
    client = await nats.connect(f"nats://127.0.0.1:{bus.port}", max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    await ensure_inbound(client.jetstream(), Settings(limits=Limits(inbound_bytes=1 << 26)))
    link = XmppLink(XmppHosts("127.0.0.1"), xmpp.component_port, AGENTS, DOMAIN, SECRET, log, sessions=count(1))
    link.open()
    table, clock = Table(), SystemClock()
    talk = Talk(clock)
    buckets = Buckets(per_minute, per_minute)
    chance = Chance(uuid4, lambda: True)
    admission = Admission(JetStreamBus(client, 2.0), link.send, buckets, talk, telemetry, clock, log, chance)
    outbox = Outbox(link, table.stores, DOMAIN, talk, telemetry, clock, log)
    door = Door(link, outbox, admission, table, client, [], set())

    known = _known(door)
    watchers = Watchers(known.cards, known.portrait, link.send, clock, log)
    enquiries = Enquiries(known, link.send, clock, log)
    link.on_stanza(Router(admission, watchers, enquiries, link))
    for number in range(8):
        supervisor.start(f"admission-{number}", admission.work())
    supervisor.start("watchers", watchers.work())
    supervisor.start("enquiries", enquiries.work())
    supervisor.start("link", link.run())
    supervisor.start("send", outbox.send_for_ever())
    supervisor.start("confirm", outbox.confirm_for_ever())
    supervisor.start("introduce", outbox.introduce_for_ever())
    supervisor.start("file", outbox.file_for_ever())
    supervisor.start("sweep", outbox.sweep_for_ever())
    subscription = await client.jetstream().subscribe("aiox.in.*", durable="test", manual_ack=True)
    supervisor.start("hub", _hub(door, subscription))
    try:
        await until(lambda: link.up)
        yield door
    finally:
        await admission.close()
        await link.close()
        await supervisor.stop()
        await client.close()
        telemetry.close()


def _known(door: Door) -> Known:
    """A registry of a few lines: whoever asks may see what is visible."""

    async def nothing(_agent: AgentId, _asker: BareJid) -> None:
        return None

    async def find(asked: Sequence[tuple[AgentId, BareJid]]) -> list[Card | None]:
        return [card_of(agent) if agent in door.visible else None for agent, _ in asked]

    async def visible(_jid: BareJid, _text: str, _page: Page) -> Listing:
        found = sorted(card_of(agent).jid for agent in door.visible)
        return Listing(tuple(Entry(jid, "Ada") for jid in found), len(found))

    return Known(nothing, find, nothing, visible)


def card_of(agent: AgentId, **changes: Any) -> Card:
    card = Card(agent, agent_jid(agent, DOMAIN), "", False, 1, "Ada", "knows things", "", ("maths",), "0" * 64)
    return replace(card, **changes)


async def spell(seconds: float) -> None:
    """Lets the loop run for a moment, for what must not happen."""
    await asyncio.sleep(seconds)
