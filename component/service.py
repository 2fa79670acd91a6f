"""The XMPP door as a process: puts the room together and runs it."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Final, Protocol, cast
from uuid import uuid4
from xml.etree.ElementTree import Element

from nats.aio.client import Client
from nats.aio.msg import Msg

from aiox.kernel.envelope import KNOWN, Envelope, OutboxReady, Pressure
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid, bare
from aiox.runtime import nats, postgres
from aiox.runtime.clock import Clock
from aiox.runtime.crash import crash_hook
from aiox.runtime.crowding import Crowding
from aiox.runtime.desk import ask as ask_desk
from aiox.runtime.health import Ready, health_app, serve
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import Closing, Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.runtime.xmpp_server import COMPONENT_ACCOUNT, XmppServer
from aiox.wire.codec import NotAnEvent, decode
from component.admission import PARALLEL, Admission, Chance
from component.between_hubs import BetweenHubs
from component.bounces import Bounces
from component.buckets import Buckets
from component.bus import JetStreamBus
from component.commands import CommandDoor
from component.echoes import OnceInRooms
from component.enquiries import Enquiries, Known, asks_registry
from component.far_servers import FarServers
from component.links import Links
from component.loop_guard import LoopGuard
from component.loops import Loops
from component.outbox import Outbox, Stores
from component.pace import Pace
from component.peers import Known as KnownPeers
from component.peers import PeerDoor
from component.queries import answer_query
from component.questions import Questions
from component.rooms import Known as KnownRooms
from component.rooms import Rooms
from component.rosters import Rosters
from component.slots import Carried, Enter, Leave, Slots
from component.stanza_xml import kind_of
from component.talk import Talk
from component.watchers import Watchers
from component.xmpp import XmppLink
from registry import archive, cards, ledger, outbox, peers
from registry import rooms as registered
from registry.cards import Card
from registry.descriptors import find_descriptor
from registry.slots import SlotLocks

DECIDERS: Final = 4
"""Enquiries that ask the registry at the same time."""

CONNECTIONS: Final = DECIDERS + 4
"""Enquiries may not keep the outbox, presence and news waiting."""

PROBES: Final = 16
"""Per slot: so many addresses leave none of the server's shares untouched."""

LET_GO_S: Final = 0.8
STOP: Final = {
    "admission": 3.2,
    "slots": 2.0,
    "links": 1.0,
    "tasks": 1.0,
    "bus": 0.5,
    "pool": 0.4,
    "archive": 0.4,
}
"""How long each step of a stop may take, in seconds. A pool that does not close in time is cut off by asyncpg."""


async def run(settings: Settings, secrets: Secrets, log: Log, clock: Clock) -> None:
    """Runs the door until SIGTERM. Raises when a store is not there at start, ServiceFailed when a task ended."""
    _keep_texts_out_of_the_log()
    supervisor, closing = Supervisor(log, STOP["tasks"]), Closing(STOP, log)
    telemetry = Telemetry.of("component", settings)
    pool = await postgres.connect(settings, secrets, "component", CONNECTIONS)
    archived = await postgres.connect_archive(settings, secrets)
    client = await nats.connect(settings, secrets, "component", log)
    await nats.ensure_inbound(client.jetstream(), settings)
    bus, link = JetStreamBus(client), Links(_links(settings, secrets, log))
    tell = (pace := Pace(settings.domain, settings.limits.peer_stanzas_per_minute, clock)).paced(link.send)
    talk, crash, crowding = Talk(clock), crash_hook(settings.crash), Crowding(settings.domain)
    buckets = Buckets(settings.limits.messages_per_minute, settings.limits.message_burst)
    chance = Chance(uuid4, lambda: random.random() < settings.telemetry.sample_rate)  # noqa: S311 -- no secret
    loops = Loops(LoopGuard(settings.agents_domain), partial(ledger.append, pool), clock, log)
    carried, domain, bounces, lets_in = Carried(settings.components), settings.domain, Bounces(), loops.lets_in
    door = PeerDoor(_peers_known(pool), tell, domain, settings.federation.messages_per_minute, clock, log)
    admission = Admission(bus, tell, buckets, talk, telemetry, clock, log, chance, crash, crowding, lets_in, door.proof)
    known = _known(pool, door.sees)
    watchers = Watchers(known.cards, known.portrait, tell, clock, log)
    put = XmppServer(settings, secrets, COMPONENT_ACCOUNT).add_contact
    rosters = Rosters(link, domain, settings.agents_domain, put, watchers.added, uuid4, log)
    rooms = Rooms(_rooms_known(pool), tell, admission.take, settings.agents_domain, clock, log)
    out, stores = OnceInRooms(rosters, rooms.was_said), _stores(pool, archived)
    far = FarServers(link.send, door.is_ours, settings.agents_domain, clock, pace.lets_out)
    goes, bounced, sends = far.lets_out, bounces.refused, carried.sends
    asks = Questions(out, partial(client.publish, nats.ANSWERED), clock, log)
    replies = Outbox(asks, stores, domain, talk, telemetry, clock, log, sends, crash, goes, bounced, far)
    slots = Slots(_locks(settings, secrets), carried, *_entrance(link, replies, admission), clock, log)
    others = BetweenHubs(domain, secrets, pool, tell, lambda: link.address, clock, log)
    enquiries = Enquiries(known, tell, clock, log, others.answer)
    desk = partial(ask_desk, client, clock, "component")
    commands = CommandDoor(desk, tell, settings.agents_domain, uuid4, clock, log, door.proof)
    first = (far.takes, asks.expects, door.takes, others.takes, asks.takes, talk.learn, bounces.heard, rosters.takes)
    link.on_stanza(Router(admission, watchers, enquiries, link, (*first, rooms.takes, commands.takes)))

    said = _Announcements(replies, talk, crowding, watchers, tell, clock, log)
    await said.follow(client)
    ready = _ready(link, carried, slots, bus, pool)
    supervisor.start("health", serve(health_app(ready), settings.ports.component_health, settings.hosts.listen))
    _start_workers(supervisor, admission, watchers, enquiries, commands, pool)
    tended = {"loops": loops.work(), "rooms": rooms.tend(), "slots": slots.run(), "knocks": door.note()}
    links = {f"link-{slot}": link.run(slot) for slot in link.slots}
    watched = {"peers": door.follow(watchers.look_again_where), "talk": talk.run(tell, watchers.busy_with)}
    for name, part in {**links, **tended, **watched, **others.tasks(), "questions": asks.work()}.items():
        supervisor.start(name, part)
    _start_outbox(supervisor, replies)
    try:
        await supervisor.run_until_stopped()
    finally:
        await closing.step("admission", admission.close)
        for told in talk.stop():
            tell(told)
        await closing.step("slots", slots.stop)
        await closing.step("links", link.close)
        await supervisor.stop()
        await closing.step("bus", client.close)
        await closing.step("pool", pool.close)
        await closing.step("archive", archived.close)
        telemetry.close()


def _keep_texts_out_of_the_log() -> None:
    """What slixmpp could not parse is people's text, and it logs that; the link logs its own state."""
    logging.getLogger("slixmpp").setLevel(logging.CRITICAL)


def _locks(settings: Settings, secrets: Secrets) -> SlotLocks:
    return SlotLocks(partial(postgres.connect_alone, settings, secrets, "component"))


def _start_outbox(supervisor: Supervisor, replies: Outbox) -> None:
    supervisor.start("send", replies.send_for_ever())
    supervisor.start("confirm", replies.confirm_for_ever())
    supervisor.start("introduce", replies.introduce_for_ever())
    supervisor.start("file", replies.file_for_ever())
    supervisor.start("sweep", replies.sweep_for_ever())


def _start_workers(
    supervisor: Supervisor,
    admission: Admission,
    watchers: Watchers,
    enquiries: Enquiries,
    commands: CommandDoor,
    pool: Pool,
) -> None:
    for number in range(PARALLEL):
        supervisor.start(f"admission-{number}", admission.work())
    for number in range(DECIDERS):
        supervisor.start(f"enquiries-{number}", enquiries.work())
        supervisor.start(f"commands-{number}", commands.work())
    supervisor.start("presence", watchers.work())
    supervisor.start("news", watchers.follow(partial(cards.news_end, pool), partial(cards.news, pool)))


def _entrance(link: Links, replies: Outbox, admission: Admission) -> tuple[Enter, Leave]:
    def enter(slot: int) -> None:
        link.open(slot)
        replies.took_over()

    async def leave(slot: int) -> None:
        """In this order: what went out has arrived, nothing new comes in, what came in is stored."""
        await replies.let_go(LET_GO_S)
        await link.shut(slot)
        await admission.let_go(LET_GO_S)

    return enter, leave


class Sender(Protocol):
    """Whatever stanzas leave by."""

    def send(self, element: Element) -> bool:
        """Writes a stanza; False when there is no link."""
        ...


class Router:
    """Which part of the room takes a stanza."""

    def __init__(
        self,
        admission: Admission,
        watchers: Watchers,
        enquiries: Enquiries,
        link: Sender,
        first: Sequence[Callable[[Element], bool]] = (),
    ) -> None:
        """`first` are shown every stanza before the others; one that returns True has taken it."""
        self._first = tuple(first)
        self._admission = admission
        self._watchers = watchers
        self._enquiries = enquiries
        self._link = link

    def __call__(self, element: Element) -> None:
        if any(takes(element) for takes in self._first):
            return
        kind = kind_of(element)
        if kind == "message":
            self._admission.receive(element)
        elif kind == "presence":
            self._watchers.receive(element)
        elif kind == "iq" and asks_registry(element):
            self._enquiries.receive(element)
        elif kind == "iq" and (reply := answer_query(element)) is not None:
            self._link.send(reply)


class _Announcements:
    """What the orchestrators announce: outbox rows, messages that they know already, and how full they are.

    The row in the store is the durable copy, so a bad announcement is only logged.
    """

    def __init__(
        self,
        replies: Outbox,
        talk: Talk,
        crowding: Crowding,
        watchers: Watchers,
        send: Callable[[Element], bool],
        clock: Clock,
        log: Log,
    ) -> None:
        self._replies = replies
        self._talk = talk
        self._crowding = crowding
        self._watchers = watchers
        self._send = send
        self._clock = clock
        self._log = log

    async def follow(self, client: Client) -> None:
        """Hears all of it from now on."""
        for subject in (nats.OUTBOX_READY, nats.PRESSURE):
            await client.subscribe(subject, cb=self.take)

    async def take(self, message: Msg) -> None:
        """Sends the row that a bus message announces; ends "composing" for a message that has had its answer."""
        try:
            event = decode(message.data)
        except NotAnEvent as wrong:
            self._log.error("not_an_event", subject=message.subject, error=str(wrong))
            return
        ready = event.payload
        if isinstance(ready, OutboxReady) and ready.kind == KNOWN:
            for told in self._talk.known(ready):
                self._send(told)
        elif isinstance(ready, Pressure):
            self._crowding.heard(ready, self._clock.monotonic())
        elif isinstance(ready, OutboxReady):
            if ready.kind == "answer":
                self._crowding.answered(ready.to_jid, bare(ready.from_jid), ready.priority)
            # A turn that ended may have used the quota up, or left a call that waits.
            self._watchers.look_again_soon(bare(ready.from_jid), bare(ready.to_jid))
            # The check above has told mypy nothing about the envelope's own type.
            self._replies.take(cast(Envelope[OutboxReady], event))


def _links(settings: Settings, secrets: Secrets, log: Log) -> dict[int, XmppLink]:
    secret = secrets.read("xmpp_component")
    port, sessions = settings.ports.xmpp_component, count(1)
    probes = 0 if settings.components == 1 else PROBES * settings.components
    where = (port, settings.agents_domain, settings.domain, secret, log)
    return {
        slot: XmppLink(XmppHosts(settings.hosts.xmpp, slot - 1), *where, sessions=sessions, probes=probes)
        for slot in range(1, settings.components + 1)
    }


def _stores(pool: Pool, archived: Pool) -> Stores:
    return Stores(
        pending=partial(outbox.pending, pool),
        due=partial(outbox.due, pool),
        mark_sent=partial(outbox.mark_sent, pool),
        look_up=partial(archive.look_up, archived),
    )


def _known(pool: Pool, sees: Callable[[str], bool]) -> Known:
    async def seen(asked: Sequence[tuple[AgentId, BareJid]]) -> list[Card | None]:
        """Who lost the right to see agents is shown none from the next look on."""
        found = await cards.find_cards(pool, asked)
        return [card if sees(person) else None for card, (_, person) in zip(found, asked, strict=True)]

    return Known(
        descriptor=partial(find_descriptor, pool),
        cards=seen,
        portrait=partial(cards.find_portrait, pool),
        visible=partial(cards.list_visible, pool),
    )


def _peers_known(pool: Pool) -> KnownPeers:
    return KnownPeers(
        read=partial(peers.snapshot, pool),
        note=partial(peers.knock, pool),
        append=partial(ledger.append, pool),
    )


def _rooms_known(pool: Pool) -> KnownRooms:
    return KnownRooms(
        places=partial(registered.to_be_in, pool),
        ended=partial(registered.ended, pool),
        append=partial(ledger.append, pool),
    )


def _ready(link: Links, carried: Carried, slots: Slots, bus: JetStreamBus, pool: Pool) -> Ready:
    async def ready() -> str:
        if not slots.settled:
            return "it is not known yet which slots are ours"
        if not link.all_up(carried.slots):
            return "the XMPP server has not accepted the component"
        if missing := await bus.missing():
            return missing
        try:
            await pool.fetchval("SELECT 1", timeout=2)
        except Exception as failed:  # noqa: BLE001 -- whatever it is, we are not ready
            return f"PostgreSQL does not answer: {failed!r}"
        return ""

    return ready
