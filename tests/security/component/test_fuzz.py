"""Malformed, hostile and huge stanzas: the door stays, keeps within its memory, and obeys nobody who is not vouched.

What arrives here is well-formed: the server has parsed it. Everything else about it may be wrong.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import cast
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement

import pytest
import structlog
from slixmpp.jid import JID, InvalidJID
from slixmpp.xmlstream.stanzabase import StanzaBase

from aiox.kernel.command import CommandAnswered, CommandAsked, FormField
from aiox.kernel.envelope import MessageReceived
from aiox.kernel.ids import agent_id_of
from aiox.kernel.jid import BareJid, local_part
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.wire.codec import decode
from component.admission import Admission, Chance
from component.buckets import Buckets
from component.commands import CommandDoor
from component.enquiries import Enquiries, Known
from component.features.acd import ACD
from component.features.avatar import AVATAR_DATA, PUBSUB
from component.features.correction import CORRECTION
from component.features.disco import COMMANDS, INFO, ITEMS, SEARCH
from component.features.files import METADATA, OOB, SHARING, URL_DATA
from component.features.forms import FORMS
from component.features.muc import DELAY, DIRECT, MUC, MUC_USER, REFERENCE
from component.features.privilege import PRIVILEGES
from component.features.quoting import FALLBACK, REPLY
from component.features.reactions import REACTIONS
from component.features.receipts import MARKERS, RECEIPTS
from component.features.retraction import RETRACTION
from component.features.rsm import RSM
from component.features.vcard import VCARD, VCARD4
from component.loop_guard import HOPS
from component.metrics import STANZAS_FAILED
from component.rooms import Known as KnownRooms
from component.rooms import Rooms
from component.rosters import Rosters
from component.service import Router
from component.stanza_xml import COMPONENT, SID
from component.talk import Talk
from component.watchers import Watchers
from component.xmpp import XmppLink
from registry.cards import Listing, Page
from registry.rooms import Place, RoomState
from setup.prove import note
from tests.unit.component.fakes import FakeBus, FakeLink, HandClock, no_picture, nobody, settle
from tests.unit.component.stanzas import AGENT, ALICE, message, parse

MEMORY_BYTES = 64 << 20
FORGED = "forged"
NAMES = ["body", "thread", "query", "item", "x", "field", "value", "set", "max", "after", "nick", "vCard", "vcard"]
NAMES += ["pubsub", "items", "acd", "request", "markable", "hops", "origin-id", "forwarded", "message", "iq", "error"]
SPACES = [COMPONENT, ACD, INFO, ITEMS, SEARCH, FORMS, RSM, VCARD, VCARD4, PUBSUB, RECEIPTS, MARKERS, HOPS, SID, REPLY]
SPACES += [FALLBACK, "urn:xmpp:forward:0", "urn:xmpp:carbons:2", "", "urn:unknown"]
SPACES += [OOB, SHARING, METADATA, URL_DATA, REACTIONS, RETRACTION, MUC, MUC_USER, DIRECT, REFERENCE, DELAY, CORRECTION]
NAMES += ["url", "file-sharing", "file", "sources", "url-data", "name", "size", "reactions", "reaction", "retract"]
NAMES += ["invite", "status", "reference", "reply", "delay", "replace", "stanza-id", "c", "feature"]
SPACES += [COMMANDS, *PRIVILEGES]
NAMES += ["command", "privilege", "perm", "actions"]
ATTRIBUTES = ["node", "id", "type", "var", "count", "from", "to", "xmlns", "jid", "action", "sessionid"]
ROOM = "garden@conference.hub.test"
ADDRESSES = [
    f"{ROOM}/Ada",
    f"{ROOM}/bob",
    ROOM,
    ALICE,
    AGENT,
    "alice@hub.test",
    "agents.hub.test",
    "hub.test",
    "",
    "@",
    "a@",
    "@b",
    "a b@c",
    "x" * 3000,
]
ADDRESSES += [f"{'l' * 1024}@hub.test", "alice@hub.test/\u202e", "é@hub.test", "a@b/c/d/e", "agent-b@agents.hub.test"]
TYPES = [
    "",
    "chat",
    "normal",
    "groupchat",
    "headline",
    "error",
    "get",
    "set",
    "result",
    "subscribe",
    "probe",
    "x" * 500,
]
TYPES += ["unsubscribe", "unsubscribed", "subscribed", "unavailable"]
TEXTS = [
    "",
    "hi",
    "/help",
    "\ud7ff\U0010ffff",
    "0",
    "-1",
    "9" * 400,
    "a" * 70_000,
    "\u202e\u0000".strip("\0"),
    "<&>\"'",
]


@dataclass
class Fuzz:
    draw: random.Random
    number: int = 0
    given: dict[str, str] = field(default_factory=dict)
    """By body: the sender that the server would have stamped."""

    def stanza(self) -> Element:
        """One that the server could hand in."""
        self.number += 1
        made = Element(
            f"{{{self.draw.choice(SPACES[:1] * 9 + SPACES)}}}{self.draw.choice(['message', 'presence', 'iq'])}"
        )
        for name, values in (("from", ADDRESSES), ("to", ADDRESSES), ("type", TYPES), ("id", TEXTS)):
            if self.draw.random() < 0.9:
                made.set(name, self.draw.choice(values))
        if self.draw.random() < 0.5:
            body = SubElement(made, f"{{{COMPONENT}}}body")
            body.text = f"given {self.number}"
            self.given[body.text] = made.get("from", "")
        for _ in range(self.draw.randrange(5)):
            self._child(made, self.draw.randrange(1, 6))
        if self.draw.random() < 0.01:
            self._tower(made)
        return made

    def _child(self, parent: Element, depth: int) -> None:
        child = SubElement(parent, f"{{{self.draw.choice(SPACES)}}}{self.draw.choice(NAMES)}")
        for name in self.draw.sample(
            ["node", "id", "type", "var", "count", "from", "to", "xmlns", "jid", "action", "sessionid"], 3
        ):
            child.set(name, self.draw.choice([*ADDRESSES, *TEXTS, AVATAR_DATA]))
        child.text = self.draw.choice(TEXTS)
        if child.tag == f"{{{COMPONENT}}}body":
            child.text = child.text if parent.find(f"{{{COMPONENT}}}body") is child else FORGED
        for _ in range(self.draw.randrange(3) if depth else 0):
            self._child(child, depth - 1)

    def _tower(self, parent: Element) -> None:
        for _ in range(150):
            parent = SubElement(parent, f"{{{self.draw.choice(SPACES)}}}{self.draw.choice(NAMES)}")


@dataclass
class Door:
    link: XmppLink
    out: FakeLink
    bus: FakeBus
    clock: HandClock

    def arrives(self, element: Element) -> None:
        """As slixmpp hands it in."""
        self.link._arrived(cast(StanzaBase, _Arrived(element)))


@dataclass
class _Arrived:
    xml: Element


async def _nothing(*_: object) -> None:
    return None


async def _in_a_room() -> list[Place]:
    return [Place(agent_id_of(local_part(AGENT)), BareJid(AGENT), BareJid(ROOM), "Ada", whole_context=True)]


async def _not_ended(_place: Place, _state: RoomState) -> None:
    return None


async def _visible(_jid: BareJid, _text: str, _page: Page) -> Listing:
    return Listing((), 0)


async def _form(asked: CommandAsked) -> CommandAnswered:
    """Asks for a field the first time, and is done the second."""
    field = FormField("name", "Name", value=asked.name[:100])
    return CommandAnswered("Done.") if asked.values or asked.written else CommandAnswered(form=(field,))


def _added(_agent: str, _owner: str) -> None:
    raise AssertionError("no entry was asked for")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Door]:
    log, clock, bus, out = structlog.get_logger(), HandClock(), FakeBus(), FakeLink()
    telemetry = Telemetry("component", folder)
    link = XmppLink(XmppHosts("127.0.0.1"), 1, "agents.hub.test", "hub.test", "secret", log, sessions=count(1))
    talk = Talk(clock)
    admission = Admission(
        bus, out.send, Buckets(10**9, 10**9), talk, telemetry, clock, log, Chance(uuid4, lambda: False)
    )
    watchers = Watchers(nobody, no_picture, out.send, clock, log)
    enquiries = Enquiries(Known(_nothing, nobody, no_picture, _visible), out.send, clock, log)
    rooms = Rooms(KnownRooms(_in_a_room, _not_ended, _nothing), out.send, admission.take, "agents.hub.test", clock, log)
    commands = CommandDoor(_form, out.send, "agents.hub.test", uuid4, clock, log)
    rosters = Rosters(out, "hub.test", "agents.hub.test", _nothing, _added, uuid4, log)
    first = (talk.learn, rosters.takes, rooms.takes, commands.takes)
    link.on_stanza(Router(admission, watchers, enquiries, out, first))
    work = (admission.work(), watchers.work(), enquiries.work(), rooms.tend(), commands.work())
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield Door(link, out, bus, clock)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        telemetry.close()


async def _round(folder: Path, stanzas: int, seed: int) -> int:
    """How many bytes of memory it took."""
    fuzz, failed = Fuzz(random.Random(seed)), STANZAS_FAILED._value.get()
    async with opened(folder) as door:
        before = _resident_bytes()
        for number in range(stanzas):
            door.arrives(fuzz.stanza())
            if number % 20 == 0:
                door.clock.seconds += 60
                await settle()
                door.out.sent.clear()
        await settle()
        assert STANZAS_FAILED._value.get() == failed, "a stanza broke what takes it"
        grown = _resident_bytes() - before
        assert grown <= MEMORY_BYTES
        for data in (data for _, data in door.bus.stored):
            _judge(decode(data).payload, fuzz)
        await _is_alive(door)
        return grown


def _judge(received: object, fuzz: Fuzz) -> None:
    """What was taken came from who was stamped on it, and from nothing inside."""
    assert isinstance(received, MessageReceived)
    words = received.body.rpartition(": ")[2] if received.stanza_type == "groupchat" else received.body
    if words not in fuzz.given:
        assert FORGED not in words
        assert received.sender
        return
    stamped = fuzz.given[words]
    assert received.sender == JID(stamped).bare
    assert JID(stamped).local


async def _is_alive(door: Door) -> None:
    stored = len(door.bus.stored)
    door.out.sent.clear()
    door.arrives(message("<body>still there?</body>", f'type="chat" id="{uuid4()}"'))
    door.arrives(parse(f'<iq from="{ALICE}" to="{AGENT}" type="get" id="p"><ping xmlns="urn:xmpp:ping"/></iq>'))
    door.arrives(parse(f'<iq from="{ALICE}" to="{AGENT}" type="get" id="d"><query xmlns="{INFO}"/></iq>'))
    await settle()
    assert len(door.bus.stored) == stored + 1
    assert any('id="p"' in one for one in door.out.sent)
    assert any('id="d"' in one for one in door.out.sent)


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def test_hostile_stanzas_do_not_stop_the_door(tmp_path: Path) -> None:
    await _round(tmp_path, 600, seed=1)


@pytest.mark.prove
async def test_10_000_hostile_stanzas_do_not_stop_the_door(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    grown = await _round(tmp_path, 10_000, seed)
    note(f"fuzz seed {seed}: 10,000 stanzas, the door is alive, {grown / 2**20:.1f} MiB more memory, 0 forged obeyed")


@pytest.mark.control
async def test_control_without_the_check_a_forged_sender_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender is read from what the server stamped; here it is read from inside the stanza."""
    from component import admission
    from component.stanzas_in import Sender

    def from_inside(stanza: Element) -> Sender | None:
        inner = stanza.find("{urn:xmpp:forward:0}forwarded")
        try:
            return None if inner is None else Sender(inner.get("from", ""), BareJid(JID(inner.get("from", "")).bare))
        except InvalidJID:
            return None

    monkeypatch.setattr(admission, "vouched_sender", from_inside)
    async with opened(tmp_path) as door:
        inner = '<forwarded xmlns="urn:xmpp:forward:0" from="owner@hub.test"/>'
        door.arrives(message(f"<body>hi</body>{inner}", sender="eve@elsewhere.test/x"))
        await settle()
        received = decode(door.bus.stored[0][1]).payload
        assert isinstance(received, MessageReceived)
        assert received.sender == "owner@hub.test"
