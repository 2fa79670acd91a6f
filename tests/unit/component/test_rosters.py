"""A new agent comes into its owner's roster where our own server lets it, and asks where it does not."""

from __future__ import annotations

from itertools import count
from uuid import UUID

import pytest
import structlog

from aiox.kernel.jid import BareJid
from aiox.runtime.xmpp_server import XmppServerTrouble
from component import rosters as module
from component.features.presence import request
from component.rosters import Rosters
from component.stanza_xml import to_text
from tests.unit.component.fakes import FakeLink
from tests.unit.component.stanzas import AGENT, parse

HUB, SERVER, OWNER = "agents.hub.test", "hub.test", "alice@hub.test"
ASKS = request(AGENT, OWNER, "Ada is your new AI agent.", "Ada <3")


class Rig:
    def __init__(self) -> None:
        self.link, self.added = FakeLink(), list[tuple[str, str]]()
        self.put: list[tuple[str, ...]] = []
        self.trouble = False
        self.link.pong.set()
        ids, log = count(1), structlog.get_logger()
        self.rosters = Rosters(self.link, SERVER, HUB, self._put, self._add, lambda: UUID(int=next(ids)), log)

    def _add(self, agent: str, owner: str) -> None:
        self.added.append((agent, owner))

    async def _put(self, owner: BareJid, agent: BareJid, name: str, group: str) -> None:
        if self.trouble:
            raise XmppServerTrouble("the XMPP server does not answer")
        self.put.append((owner, agent, name, group))

    def hear(self, sender: str = SERVER, to: str = HUB, kind: str = "both", version: int = 2) -> bool:
        perm = f"<perm access='roster' type='{kind}'/><perm access='message' type='outgoing'/>"
        privilege = f"<privilege xmlns='urn:xmpp:privilege:{version}'>{perm}</privilege>"
        return self.rosters.takes(parse(f"<message from='{sender}' to='{to}'>{privilege}</message>"))

    def answer(self, kind: str, sender: str = OWNER, number: int = 1) -> bool:
        query_id = f"roster-{UUID(int=number)}"
        return self.rosters.takes(parse(f"<iq from='{sender}' to='{HUB}' type='{kind}' id='{query_id}'/>"))


@pytest.mark.parametrize(("kind", "version"), [("both", 2), ("set", 1)])
def test_with_the_grant_it_is_put_there(kind: str, version: int) -> None:
    rig = Rig()
    assert rig.hear(kind=kind, version=version)
    assert rig.rosters.send(ASKS)
    [entry] = rig.link.sent
    assert entry == (
        f'<iq from="{HUB}" to="{OWNER}" type="set" id="roster-{UUID(int=1)}"><query xmlns="jabber:iq:roster">'
        f'<item jid="{AGENT}" name="Ada &lt;3" subscription="both"><group>AI agents</group></item></query></iq>'
    )
    assert rig.added == []
    assert rig.answer("result")
    assert rig.added == [(AGENT, OWNER)]
    assert not rig.answer("result"), "once"


async def test_without_a_grant_the_servers_own_interface_puts_it_there() -> None:
    rig = Rig()
    rig.rosters.send(ASKS)
    assert (rig.put, rig.link.sent) == ([], [])
    await rig.rosters.confirm(1, entries=True)
    assert rig.put == [(OWNER, AGENT, "Ada <3", "AI agents")]
    assert rig.added == [(AGENT, OWNER)]
    await rig.rosters.confirm(1, entries=True)
    assert (len(rig.put), rig.link.sent) == (1, [])


async def test_where_nothing_lets_us_it_asks() -> None:
    rig = Rig()
    rig.trouble = True
    rig.rosters.send(ASKS)
    await rig.rosters.confirm(1, entries=True)
    assert rig.link.sent == [to_text(ASKS)]
    assert "<status>Ada is your new AI agent.</status>" in rig.link.sent[0]
    assert ">Ada &lt;3</nick>" in rig.link.sent[0]
    assert rig.added == []


def test_without_a_link_nothing_is_taken() -> None:
    rig = Rig()
    rig.link.up = False
    assert not rig.rosters.send(ASKS)


@pytest.mark.parametrize(
    ("sender", "to"),
    [
        ("mallory@hub.test/x", HUB),
        ("evil.example", HUB),
        ("hub.test/resource", HUB),
        ("sub.hub.test", HUB),
        (HUB, HUB),
        (SERVER, AGENT),
    ],
)
def test_a_grant_of_anybody_else_is_none(sender: str, to: str) -> None:
    rig = Rig()
    assert rig.hear(sender, to), "it goes nowhere else"
    assert not rig.rosters.may
    rig.rosters.send(ASKS)
    assert rig.link.sent == [], "no entry is written on its word"


@pytest.mark.control
def test_who_believes_anybody_is_told_so_by_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    monkeypatch.setattr(rig.rosters, "_server_domain", "evil.example")
    rig.hear("evil.example")
    assert rig.rosters.may
    rig.rosters.send(request(AGENT, "victim@evil.example", "why"))
    assert "jabber:iq:roster" in rig.link.sent[0]


@pytest.mark.parametrize("kind", ["none", "get"])
def test_a_grant_to_read_is_no_grant_to_write(kind: str) -> None:
    rig = Rig()
    rig.hear()
    rig.hear(kind=kind)
    assert not rig.rosters.may


def test_people_of_other_servers_are_asked() -> None:
    rig = Rig()
    rig.hear()
    elsewhere = request(AGENT, "bob@elsewhere.example", "why")
    rig.rosters.send(elsewhere)
    assert rig.link.sent == [to_text(elsewhere)]


def test_a_refused_entry_becomes_a_question() -> None:
    rig = Rig()
    rig.hear()
    rig.rosters.send(ASKS)
    assert not rig.answer("error", "mallory@hub.test")
    assert rig.answer("error")
    assert rig.link.sent[1:] == [to_text(ASKS)]
    assert rig.added == []


def test_all_else_goes_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.hear()
    other = parse(f"<message from='{AGENT}' to='{OWNER}'><body>hello</body></message>")
    rig.rosters.send(other)
    assert rig.link.sent == [to_text(other)]
    assert not rig.rosters.takes(other)
    monkeypatch.setattr(module, "WAITING", 1)
    for _ in range(3):
        rig.rosters.send(ASKS)
    assert not rig.answer("result", number=1)
    assert rig.answer("result", number=3)
