"""Playbooks of agents in rooms: coming, staying, being sent away, and whom they answer. By hand-turned clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from xml.etree.ElementTree import Element

import pytest
import structlog

from aiox.kernel.envelope import INVITED
from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId, agent_id_of
from aiox.kernel.jid import BareJid, local_part
from component.echoes import OnceInRooms
from component.features import muc
from component.features.correction import DISCO
from component.rooms import JOIN_AGAIN_S, LINES, PING_S, Known, Rooms
from component.stanza_xml import to_text
from component.stanzas_in import Question
from policy.ledger import Record
from registry.rooms import Place, RoomState
from tests.unit.component.fakes import FakeLink, HandClock
from tests.unit.component.stanzas import AGENT, parse

ROOM = "garden@conference.hub.test"
PLACE = Place(agent_id_of(local_part(AGENT)), BareJid(AGENT), BareJid(ROOM), "Ada", whole_context=False)
SELF_110 = '<x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x>'


@dataclass
class Play:
    places: list[Place] = field(default_factory=lambda: [PLACE])
    link: FakeLink = field(default_factory=FakeLink)
    clock: HandClock = field(default_factory=HandClock)
    asked: list[Question] = field(default_factory=list)
    ends: list[tuple[Place, RoomState]] = field(default_factory=list)
    rows: list[Record] = field(default_factory=list)
    away: bool = False

    def __post_init__(self) -> None:
        known = Known(self._places, self._ended, self._append)
        log = structlog.get_logger()
        self.rooms = Rooms(known, self.link.send, self.asked.append, "agents.hub.test", self.clock, log)

    async def _places(self) -> Sequence[Place]:
        if self.away:
            raise OSError("away")
        return self.places

    async def _ended(self, place: Place, state: RoomState) -> OwnerId | None:
        self.ends.append((place, state))
        self.places = []
        return HUB_OWNER

    async def _append(self, rows: Sequence[Record]) -> None:
        self.rows += rows

    async def at(self, seconds: float) -> list[str]:
        """What goes out when it looks after its rooms at this moment."""
        self.clock.seconds, before = seconds, len(self.link.sent)
        task = asyncio.ensure_future(self.rooms.tend())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return self.link.sent[before:]

    def arrives(self, text: str) -> bool:
        return self.rooms.takes(parse(text))

    def presence(self, nick: str, inner: str = "", kind: str = "", code: str = "") -> None:
        codes = f'<x xmlns="{muc.MUC_USER}"><status code="{code}"/></x>' if code else ""
        attribute = f' type="{kind}"' if kind else ""
        assert self.arrives(f'<presence from="{ROOM}/{nick}" to="{AGENT}/aiox"{attribute}>{inner}{codes}</presence>')

    def says(self, nick: str, body: str, extra: str = "", message_id: str = "m1", kind: str = "groupchat") -> None:
        sent = f'from="{ROOM}/{nick}" to="{AGENT}/aiox" type="{kind}" id="{message_id}"'
        assert self.arrives(f"<message {sent}><body>{body}</body>{extra}</message>")

    @property
    def bodies(self) -> list[str]:
        return [one.received.body for one in self.asked]


@pytest.fixture
async def play() -> Play:
    """An agent in its room."""
    made = Play()
    (joined,) = await made.at(0)
    assert f'to="{ROOM}/Ada"' in joined
    assert '<history maxstanzas="0"/>' in joined
    made.presence("bob")
    made.presence("Ada", code="110")
    return made


async def test_who_begins_with_the_name_is_answered_and_nobody_else(play: Play) -> None:
    for number, body in enumerate(["hello", "Adam: hi", "I met Ada: nice", "ada lovelace"]):
        play.says("bob", body, message_id=f"o{number}")
    heard = [body for body in play.bodies if "lovelace" not in body]
    assert heard == []
    play.asked.clear()
    for number, body in enumerate(["Ada: what grows here?", "@ada, what grows here?", "ADA what grows here?"]):
        play.says("bob", body, message_id=f"m{number}")
    assert play.bodies == ["bob: what grows here?"] * 3
    received = play.asked[0].received
    assert (received.sender, received.sender_full) == (ROOM, f"{ROOM}/bob")
    assert received.stanza_type == "groupchat"
    assert received.agent_id == AgentId(PLACE.agent)


@pytest.mark.parametrize(
    "extra",
    [
        f'<reference xmlns="urn:xmpp:reference:0" type="mention" uri="xmpp:{ROOM}/Ada"/>',
        f'<reference xmlns="urn:xmpp:reference:0" type="mention" uri="xmpp:{AGENT}"/>',
        f'<reply xmlns="urn:xmpp:reply:0" to="{ROOM}/Ada" id="a1"/>',
    ],
)
async def test_a_mention_and_a_reply_are_meant_for_it(play: Play, extra: str) -> None:
    play.says("bob", "what grows here?", extra)
    assert play.bodies == ["bob: what grows here?"]


@pytest.mark.parametrize(
    "extra",
    [
        f'<reference xmlns="urn:xmpp:reference:0" type="data" uri="xmpp:{ROOM}/Ada"/>',
        f'<reference xmlns="urn:xmpp:reference:0" type="mention" uri="xmpp:{ROOM}/bob"/>',
        f'<reply xmlns="urn:xmpp:reply:0" to="{ROOM}/bob" id="a1"/>',
    ],
)
async def test_what_mentions_others_is_not(play: Play, extra: str) -> None:
    play.says("carol", "what grows here?", extra)
    assert play.asked == []


async def test_it_does_not_answer_itself_agents_or_what_is_old(play: Play) -> None:
    play.says("Ada", "Ada: hello")
    play.says("bob", "Ada: hi", '<hops xmlns="urn:aiox:hops:0" count="1"/>')
    play.says("bob", "Ada: hi", '<delay xmlns="urn:xmpp:delay" stamp="2020-01-01T00:00:00Z"/>')
    play.presence("Eve", '<c xmlns="http://jabber.org/protocol/caps" node="urn:aiox:caps:0" hash="sha-1" ver="x"/>')
    play.says("Eve", "Ada: hi")
    item = '<item jid="agent-b@agents.hub.test/aiox"/>'
    play.presence("Fay", f'<x xmlns="{muc.MUC_USER}">{item}</x>')
    play.says("Fay", "Ada: hi")
    assert play.asked == []
    play.presence("Eve", kind="unavailable")
    play.says("Eve", "Ada: hi")
    assert len(play.asked) == 1, "another one came under that name"


async def test_private_words_out_of_a_room_have_no_answer(play: Play) -> None:
    play.says("bob", "Ada: hi", kind="chat")
    assert play.asked == []
    assert play.link.sent[-1:] == play.link.sent[:1], "an error would end its stay there"


async def test_rooms_that_it_is_not_in_are_not_heard() -> None:
    made = Play(places=[])
    await made.at(0)
    made.says("bob", "Ada: hi")
    assert made.asked == []
    assert made.link.sent == []


async def test_what_others_say_is_read_only_where_the_owner_wants_it(play: Play) -> None:
    play.says("bob", "the roses are red", message_id="m0")
    play.says("carol", "Ada: which colour?")
    assert play.bodies == ["carol: which colour?"]
    play.places = [replace(PLACE, whole_context=True)]
    await play.at(2)
    for number in range(LINES + 5):
        play.says("bob", f"line {number}", message_id=f"l{number}")
    play.says("carol", "Ada: and now?", message_id="m2")
    text = play.bodies[-1]
    assert text.startswith("Said in the room before:\nbob: line 5\n")
    assert text.endswith("\n\ncarol: and now?")
    play.says("carol", "Ada: and again?", message_id="m3")
    assert play.bodies[-1] == "carol: and again?"


async def test_commands_are_handed_on_as_they_are(play: Play) -> None:
    play.says("bob", "Ada: /help")
    assert play.bodies == ["/help"]


async def test_the_rooms_own_id_tells_messages_apart(play: Play) -> None:
    for number in (1, 2):
        play.says("bob", "Ada: hi", f'<stanza-id xmlns="urn:xmpp:sid:0" by="{ROOM}" id="s{number}"/>')
    play.says("bob", "Ada: hi", '<stanza-id xmlns="urn:xmpp:sid:0" by="evil@hub.test" id="s9"/>')
    assert [one.received.message_id for one in play.asked] == ["s1", "s2", "m1"]
    assert len({one.received.turn_id for one in play.asked}) == 3


async def test_it_looks_whether_it_is_still_there_and_comes_back(play: Play) -> None:
    (ping,) = await play.at(PING_S)
    assert "urn:xmpp:ping" in ping
    ping_id = parse(ping).get("id")
    error = '<error type="cancel"><not-acceptable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    assert play.arrives(f'<iq from="{ROOM}/Ada" to="{AGENT}/aiox" type="error" id="{ping_id}">{error}</iq>')
    (again,) = await play.at(PING_S + 2)
    assert f'<presence from="{AGENT}/aiox" to="{ROOM}/Ada"' in again.replace("'", '"')


async def test_a_room_that_answers_is_left_alone(play: Play) -> None:
    (ping,) = await play.at(PING_S)
    assert play.arrives(f'<iq from="{ROOM}/Ada" to="{AGENT}/aiox" type="result" id="{parse(ping).get("id")}"/>')
    assert await play.at(PING_S + 2) == []


async def test_a_room_that_was_started_anew_is_joined_again(play: Play) -> None:
    play.presence("Ada", kind="unavailable", code="110")
    assert await play.at(1) == []
    assert len(await play.at(JOIN_AGAIN_S[0] + 1)) == 1


@pytest.mark.parametrize(("code", "state"), [("307", RoomState.KICKED), ("301", RoomState.BANNED)])
async def test_who_is_sent_away_stays_away_and_that_is_on_record(play: Play, code: str, state: RoomState) -> None:
    play.presence("Ada", kind="unavailable", code=code)
    await play.at(10)
    assert play.ends == [(PLACE, state)]
    assert play.rows[0].event_type == "room.sent_away"
    assert not any("<history" in one for one in await play.at(1000))


async def test_that_it_was_sent_away_is_not_forgotten_while_the_store_is_away(play: Play) -> None:
    ended = play.rooms._known.ended

    async def away(_place: Place, _state: RoomState) -> OwnerId | None:
        raise OSError("away")

    play.rooms._known = replace(play.rooms._known, ended=away)
    play.presence("Ada", kind="unavailable", code="301")
    await play.at(2)
    play.rooms._known = replace(play.rooms._known, ended=ended)
    await play.at(4)
    assert play.ends == [(PLACE, RoomState.BANNED)]


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ("forbidden", RoomState.BANNED),
        ("registration-required", RoomState.CLOSED),
        ("not-authorized", RoomState.CLOSED),
    ],
)
async def test_a_room_that_lets_it_not_in_is_not_knocked_at_for_ever(condition: str, state: RoomState) -> None:
    made = Play()
    await made.at(0)
    error = f'<error type="auth"><{condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    made.presence("Ada", error, "error")
    await made.at(2)
    assert made.ends == [(PLACE, state)]


async def test_a_name_that_is_taken_is_varied() -> None:
    made = Play()
    await made.at(0)
    error = '<error type="cancel"><conflict xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>'
    made.presence("Ada", error, "error")
    (again,) = await made.at(2)
    assert f'to="{ROOM}/Ada 2"' in again
    made.presence("Ada 2", code="110")
    made.says("bob", "Ada 2: hi")
    assert made.bodies == ["bob: hi"]


async def test_the_owner_takes_it_out_of_a_room(play: Play) -> None:
    play.places = []
    (left,) = await play.at(2)
    assert 'type="unavailable"' in left
    play.says("bob", "Ada: hi")
    assert play.asked == []


async def test_while_the_registry_is_away_rooms_stay(play: Play) -> None:
    play.away = True
    assert await play.at(2) == []
    play.says("bob", "Ada: hi")
    assert len(play.asked) == 1


def invite(play: Play, text: str) -> Question | None:
    assert play.arrives(text)
    return play.asked[-1] if play.asked else None


def mediated(room: str, inviter: str) -> str:
    inner = f'<x xmlns="{muc.MUC_USER}"><invite from="{inviter}"/></x>'
    return f'<message from="{room}" to="{AGENT}" id="i1">{inner}</message>'


def direct(room: str, sender: str) -> str:
    return f'<message from="{sender}" to="{AGENT}" id="i1"><x xmlns="jabber:x:conference" jid="{room}"/></message>'


def test_an_invitation_names_who_invites() -> None:
    for text in (mediated(ROOM, "bob@hub.test/phone"), direct(ROOM, "bob@hub.test/phone")):
        asked = invite(Play(), text)
        assert asked is not None
        assert asked.type == INVITED
        assert (asked.received.sender, asked.received.about) == ("bob@hub.test", ROOM)
        assert asked.received.sender_full.startswith("bob@hub.test")


def test_a_foreign_room_is_not_believed_who_invites() -> None:
    asked = invite(Play(), mediated("trap@rooms.elsewhere.test", "owner@hub.test"))
    assert asked is not None
    assert asked.received.sender == "trap@rooms.elsewhere.test"


@pytest.mark.control
def test_if_it_were_it_would_speak_for_the_owner() -> None:
    play = Play()
    play.rooms._own_rooms = "rooms.elsewhere.test"
    asked = invite(play, mediated("trap@rooms.elsewhere.test", "owner@hub.test"))
    assert asked is not None
    assert asked.received.sender == "owner@hub.test"


@pytest.mark.parametrize("room", ["", "conference.hub.test", "a@agents.hub.test", "@x", "a b@c"])
def test_an_invitation_to_no_room_is_none(room: str) -> None:
    play = Play()
    play.arrives(direct(room, "bob@hub.test/phone"))
    assert play.asked == []


def test_other_answers_are_not_taken() -> None:
    play = Play()
    assert not play.arrives(f'<iq from="{ROOM}/Ada" to="{AGENT}" type="get" id="x"><query xmlns="{DISCO}"/></iq>')
    assert not play.arrives(f'<presence from="bob@hub.test/phone" to="{AGENT}" type="probe"/>')
    assert not play.arrives(f'<message from="bob@hub.test/phone" to="{AGENT}" type="chat"><body>hi</body></message>')


def test_nicks_have_ends() -> None:
    message = Element("{jabber:component:accept}message")
    for body, said in (("Ada", "Ada"), ("Ada:", "Ada:"), ("Ada - hi", "- hi"), ("Adagio: hi", None), ("@Ada hi", "hi")):
        assert muc.said_to(message, body, ROOM, "Ada", AGENT) == said
    assert to_text(message)


async def test_what_a_room_has_repeated_is_not_said_again(play: Play) -> None:
    link = OnceInRooms(play.link, play.rooms.was_said)
    answer = parse(f'<message from="{AGENT}/aiox" to="{ROOM}" type="groupchat" id="a1"><body>hi</body></message>')
    before = len(play.link.sent)
    assert link.send(answer)
    assert link.send(answer), "not heard yet: it may be lost"
    assert len(play.link.sent) == before + 2
    play.says("Ada", "hi", message_id="a1")
    assert link.send(answer)
    assert len(play.link.sent) == before + 2
    assert link.session == play.link.session
