"""The XMPP door as a process: puts the room together and runs it."""

from __future__ import annotations

import logging
import random
from functools import partial
from typing import Final, cast
from uuid import uuid4
from xml.etree.ElementTree import Element

from nats.aio.msg import Msg

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime import nats, postgres
from aiox.runtime.clock import Clock
from aiox.runtime.crash import crash_hook
from aiox.runtime.health import Ready, health_app, serve
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.wire.codec import NotAnEvent, decode
from component.admission import PARALLEL, Admission, Chance
from component.buckets import Buckets
from component.bus import JetStreamBus
from component.features.chat_states import Composing
from component.features.presence import SubscriptionPolicy
from component.outbox import Outbox, Stores
from component.queries import answer_query
from component.stanza_xml import kind_of
from component.watchers import Watchers
from component.xmpp import XmppLink
from registry import archive, directory, outbox

DECIDERS: Final = 4
"""Presence requests that ask the registry at the same time."""


async def run(settings: Settings, secrets: Secrets, log: Log, clock: Clock) -> None:
    """Runs the door until SIGTERM. Raises when a store is not there at start, ServiceFailed when a task ended."""
    # slixmpp logs what it could not parse, which is people's text; the link logs its own state.
    logging.getLogger("slixmpp").setLevel(logging.CRITICAL)
    supervisor = Supervisor(log)
    telemetry = Telemetry("component", settings.home)
    pool = await postgres.connect(settings, secrets, "component", DECIDERS)
    archived = await postgres.connect_archive(settings, secrets)
    client = await nats.connect(settings, secrets, "component", log)
    await nats.ensure_inbound(client.jetstream(), settings)
    bus = JetStreamBus(client)
    link = _link(settings, secrets, log)
    composing, crash = Composing(), crash_hook(settings.crash)
    limits = settings.limits
    buckets = Buckets(limits.messages_per_minute, limits.message_burst)
    chance = Chance(uuid4, lambda: random.random() < settings.telemetry.sample_rate)  # noqa: S311 -- no secret
    admission = Admission(bus, link.send, buckets, composing, telemetry, clock, log, chance, crash)
    stores = _stores(pool, archived)
    replies = Outbox(link, stores, settings.domain, composing, telemetry, clock, log, crash=crash)
    watchers = Watchers(_may_see(pool), link.send, clock, log)
    link.on_stanza(Router(admission, watchers, link))

    await client.subscribe(nats.OUTBOX_READY, queue="component", cb=_Announcements(replies, log).take)
    supervisor.start("health", serve(health_app(_ready(link, bus, pool)), settings.ports.component_health))
    supervisor.start("link", link.run())
    for number in range(PARALLEL):
        supervisor.start(f"admission-{number}", admission.work())
    for number in range(DECIDERS):
        supervisor.start(f"presence-{number}", watchers.work())
    supervisor.start("send", replies.send_for_ever())
    supervisor.start("confirm", replies.confirm_for_ever())
    supervisor.start("file", replies.file_for_ever())
    supervisor.start("sweep", replies.sweep_for_ever())
    try:
        await supervisor.run_until_stopped()
    finally:
        await admission.close()
        await link.close()
        await supervisor.stop()
        await client.close()
        await pool.close()
        await archived.close()
        telemetry.close()


class Router:
    """Which part of the room takes a stanza."""

    def __init__(self, admission: Admission, watchers: Watchers, link: XmppLink) -> None:
        self._admission = admission
        self._watchers = watchers
        self._link = link

    def __call__(self, element: Element) -> None:
        kind = kind_of(element)
        if kind == "message":
            self._admission.receive(element)
        elif kind == "presence":
            self._watchers.receive(element)
        elif kind == "iq" and (reply := answer_query(element)) is not None:
            self._link.send(reply)


class _Announcements:
    """Outbox rows as they are announced. The row in the store is the durable copy, so a bad one is only logged."""

    def __init__(self, replies: Outbox, log: Log) -> None:
        self._replies = replies
        self._log = log

    async def take(self, message: Msg) -> None:
        """Sends the row that a bus message announces."""
        try:
            event = decode(message.data)
        except NotAnEvent as wrong:
            self._log.error("not_an_event", subject=message.subject, error=str(wrong))
            return
        if isinstance(event.payload, OutboxReady):
            # The check above has told mypy nothing about the envelope's own type.
            self._replies.take(cast(Envelope[OutboxReady], event))


def _link(settings: Settings, secrets: Secrets, log: Log) -> XmppLink:
    secret = secrets.read("xmpp_component")
    port = settings.ports.xmpp_component
    return XmppLink("127.0.0.1", port, settings.agents_domain, settings.domain, secret, log)


def _stores(pool: Pool, archived: Pool) -> Stores:
    return Stores(
        pending=partial(outbox.pending, pool),
        due=partial(outbox.due, pool),
        mark_sent=partial(outbox.mark_sent, pool),
        look_up=partial(archive.look_up, archived),
    )


def _may_see(pool: Pool) -> SubscriptionPolicy:
    async def may_see(agent_id: AgentId, jid: BareJid) -> bool:
        return await directory.may_see(pool, agent_id, jid)

    return may_see


def _ready(link: XmppLink, bus: JetStreamBus, pool: Pool) -> Ready:
    async def ready() -> str:
        if not link.up:
            return "the XMPP server has not accepted the component"
        if missing := await bus.missing():
            return missing
        try:
            await pool.fetchval("SELECT 1", timeout=2)
        except Exception as failed:  # noqa: BLE001 -- whatever it is, we are not ready
            return f"PostgreSQL does not answer: {failed!r}"
        return ""

    return ready
