"""Another server has what went before a ping that it answered; what it has not is sent again, once that is certain."""

from __future__ import annotations

from uuid import uuid4
from xml.etree.ElementTree import Element

import pytest

from component.far_servers import (
    FAR_AGAIN_S,
    FIRST_WAIT_S,
    FORGOTTEN_S,
    PINGS,
    SOON_S,
    TRIED,
    WAITING,
    WAITING_IN_ALL,
    Arrival,
    FarServers,
)
from policy.peers import own_domains
from tests.unit.component.fakes import HandClock
from tests.unit.component.stanzas import parse

BOB = "bob@other.test/x"
AGENTS = "agents.hub.test"


class World:
    """A server elsewhere that answers, or does not."""

    def __init__(self) -> None:
        self.clock, self.sent = HandClock(100.0), list[Element]()
        self.up = True
        own = own_domains("hub.test")
        self.far = FarServers(self._send, lambda to: to.rpartition("@")[2].partition("/")[0] in own, AGENTS, self.clock)
        self.letter, self.since = uuid4(), 100.0

    def _send(self, element: Element) -> bool:
        if self.up:
            self.sent.append(element)
        return self.up

    def asked(self) -> Arrival:
        return self.far.arrival(self.letter, BOB, self.since)

    def answer(self, number: int = -1, error: str = "", sender: str = "other.test") -> bool:
        """The server's answer to one of the pings."""
        kind = "error" if error else "result"
        inner = f'<error type="cancel"><{error} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>' if error else ""
        ping_id = self.sent[number].get("id")
        return self.far.takes(parse(f'<iq from="{sender}" to="{AGENTS}" type="{kind}" id="{ping_id}">{inner}</iq>'))


@pytest.fixture
def world() -> World:
    return World()


def test_what_went_before_an_answered_ping_has_arrived(world: World) -> None:
    assert world.asked() is Arrival.OPEN
    assert (world.sent[0].get("from"), world.sent[0].get("to")) == (AGENTS, "other.test")
    assert world.asked() is Arrival.OPEN
    assert len(world.sent) == 1, "one ping for all that waits"
    assert world.answer()
    assert world.asked() is Arrival.ARRIVED


@pytest.mark.parametrize("error", ["service-unavailable", "feature-not-implemented", "not-allowed"])
def test_a_server_that_knows_no_pings_answers_all_the_same(world: World, error: str) -> None:
    world.asked()
    assert world.answer(error=error)
    assert world.asked() is Arrival.ARRIVED


@pytest.mark.parametrize("error", ["remote-server-not-found", "remote-server-timeout"])
def test_what_our_own_server_sends_back_is_no_answer(world: World, error: str) -> None:
    world.asked()
    assert world.answer(error=error)
    assert world.asked() is Arrival.LOST


def test_while_nothing_is_known_nothing_is_lost_and_the_server_is_asked_ever_more_seldom(world: World) -> None:
    world.asked()
    for _ in range(600):
        world.clock.seconds += 1
        assert world.asked() is Arrival.OPEN
    assert 3 < len(world.sent) < 10
    assert world.answer(0)
    assert world.asked() is Arrival.ARRIVED, "the stream held all the while"


def test_a_later_pong_tells_that_the_earlier_stream_broke(world: World) -> None:
    world.asked()
    world.clock.seconds += FIRST_WAIT_S
    world.asked()
    assert len(world.sent) == 2
    world.answer(1)
    assert world.asked() is Arrival.LOST


def said(world: World, sender: str = BOB, kind: str = "chat") -> None:
    """Somebody writes, of his own accord."""
    assert not world.far.takes(parse(f'<message from="{sender}" to="agent-1@{AGENTS}" type="{kind}" id="1"/>'))


def silent_for_long(world: World) -> None:
    for _ in range(600):
        world.asked()
        world.clock.seconds += 1


def test_a_server_that_is_heard_again_is_asked_soon(world: World) -> None:
    silent_for_long(world)
    asked = len(world.sent)
    said(world)
    world.clock.seconds += SOON_S
    assert world.asked() is Arrival.OPEN
    assert len(world.sent) == asked + 1
    world.answer()
    assert world.asked() is Arrival.LOST, "the break is over, and took it along"


@pytest.mark.parametrize(("sender", "kind"), [("eve@evil.test/x", "chat"), (BOB, "error"), ("", "chat")])
def test_others_and_errors_of_our_own_server_do_not_stand_for_it(world: World, sender: str, kind: str) -> None:
    silent_for_long(world)
    asked = len(world.sent)
    said(world, sender, kind)
    world.clock.seconds += SOON_S
    world.asked()
    assert len(world.sent) == asked


def test_who_is_heard_all_the_time_and_answers_nothing_is_asked_ever_more_seldom(world: World) -> None:
    for _ in range(600):
        world.asked()
        world.clock.seconds += 1
        said(world)
    assert len(world.sent) < 20


def let_out(world: World, letters: int = 100) -> int:
    """How many of so many letters may leave now."""
    return sum(world.far.lets_out(BOB) for _ in range(letters))


def bounce(world: World) -> None:
    world.since = world.clock.seconds
    world.asked()
    world.answer(error="remote-server-timeout")
    world.asked()


def test_with_a_server_that_cannot_be_reached_few_letters_are_tried_ever_more_seldom(world: World) -> None:
    bounce(world)
    assert let_out(world) == 0
    tried = 0
    for _ in range(3600):
        world.clock.seconds += 1
        if out := let_out(world):
            tried += out
            bounce(world)
    assert TRIED < tried < 30 * TRIED


def test_when_it_is_heard_a_few_are_tried_and_when_it_answers_all_go(world: World) -> None:
    for _ in range(10):
        bounce(world)
        world.clock.seconds += 300
    bounce(world)
    said(world)
    assert let_out(world) == 0
    world.clock.seconds += SOON_S
    assert let_out(world) == TRIED
    world.since = world.clock.seconds
    world.asked()
    world.answer()
    world.asked()
    world.clock.seconds += 1
    assert let_out(world, WAITING) == WAITING


def test_what_was_lost_goes_out_at_once_when_the_server_answers_and_else_a_little_later(world: World) -> None:
    assert world.far.again_s(BOB) == FAR_AGAIN_S
    world.asked()
    world.answer(error="remote-server-timeout")
    assert world.far.again_s(BOB) == FAR_AGAIN_S
    world.since = world.clock.seconds = 200.0
    world.asked()
    world.answer()
    assert world.far.again_s(BOB) == 0.0


def test_what_is_sent_behind_a_ping_needs_another(world: World) -> None:
    world.asked()
    world.answer()
    world.clock.seconds += 1
    world.since = world.clock.seconds
    assert world.asked() is Arrival.OPEN
    assert len(world.sent) == 2


def test_nobody_else_answers_for_a_server(world: World) -> None:
    world.asked()
    assert not world.answer(sender="evil.test")
    assert not world.answer(sender="user@other.test")
    assert not world.far.takes(parse(f'<iq from="other.test" to="{AGENTS}" type="result" id="guessed"/>'))
    assert not world.far.takes(parse(f'<message from="other.test" to="{AGENTS}" id="{world.sent[0].get("id")}"/>'))
    assert world.asked() is Arrival.OPEN


def test_without_a_link_the_question_is_asked_later(world: World) -> None:
    world.up = False
    assert world.asked() is Arrival.OPEN
    world.up = True
    assert world.asked() is Arrival.OPEN
    assert len(world.sent) == 1


def test_a_silent_server_does_not_fill_the_way_to_others(world: World) -> None:
    for _ in range(WAITING):
        assert world.far.lets_out(BOB)
        world.far.arrival(uuid4(), BOB, world.since)
    assert not world.far.lets_out(BOB)
    assert world.far.lets_out("eve@third.test")
    assert world.far.lets_out("alice@hub.test/x"), "people of our own are not asked about"
    assert not world.far.is_far("alice@hub.test/x")
    world.clock.seconds += FORGOTTEN_S
    assert world.far.lets_out(BOB), "whoever sends them now asks for himself"


def test_many_silent_servers_together_do_not_either(world: World) -> None:
    for number in range(WAITING_IN_ALL):
        world.far.arrival(uuid4(), f"u@d{number}.test", world.since)
    assert not world.far.lets_out("u@fresh.test")
    assert world.far.lets_out("alice@hub.test")


def test_pings_are_remembered_in_bounded_number(world: World) -> None:
    for _ in range(3 * PINGS):
        world.since = world.clock.seconds
        world.asked()
        world.clock.seconds += 1
    assert len(world.far._servers["other.test"].pings) == PINGS
