"""Playbooks of the notice that work goes on, and of the answer that takes its place, by hand-turned clock."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest

from aiox.kernel.ids import TurnId
from component.features.correction import CORRECTION, DISCO
from component.notices import FRESH_S, NOTICE_S, Notices
from component.stanza_xml import to_text
from component.talk import Talk
from tests.unit.component.fakes import HandClock, opened
from tests.unit.component.stanzas import AGENT, ALICE, parse
from tests.unit.component.test_talk import reply, said

ONE, TWO = TurnId(UUID(int=1)), TurnId(UUID(int=2))
NOTICE = "I am working on it"
REPLACE = f'<replace xmlns="{CORRECTION}"'
KNOWS = f'<query xmlns="{DISCO}"><feature var="{CORRECTION}"/></query>'
KNOWS_NOT = f'<query xmlns="{DISCO}"><feature var="urn:xmpp:ping"/></query>'
HOPS = '<hops xmlns="urn:aiox:hops:0" count="1"/>'


class Play:
    """One agent, one contact."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.talk = Talk(self.clock)

    def asks(self, turn: TurnId = ONE, message_id: str = "q1", extra: str = "") -> None:
        opened(self.talk, turn, extra, message_id)

    def at(self, seconds: float) -> list[Element]:
        self.clock.seconds = seconds
        return self.talk.tick()

    def client_says(self, asked: Element, inner: str = KNOWS, kind: str = "result", sender: str = ALICE) -> bool:
        answer = f'<iq from="{sender}" to="{AGENT}/aiox" type="{kind}" id="{asked.get("id")}">{inner}</iq>'
        return self.talk.learn(parse(answer))

    def noticed(self) -> Element:
        """As far as the notice: the client was asked, and knows corrections."""
        self.asks()
        (asked,) = self.at(4)
        assert self.client_says(asked)
        (notice,) = self.at(NOTICE_S)
        return notice


def test_long_work_is_told_once_and_the_answer_takes_its_place() -> None:
    play = Play()
    notice = play.noticed()
    text = to_text(notice)
    assert notice.get("to") == ALICE, "to the device that asked, not to all"
    assert notice.get("from") == f"{AGENT}/aiox"
    assert NOTICE in text
    assert '<no-store xmlns="urn:xmpp:hints"/>' in text
    assert '<private xmlns="urn:xmpp:carbons:2"/>' in text
    assert play.at(NOTICE_S + 2) == []
    (answer,), _ = said(play.talk, reply(ONE))
    assert f'{REPLACE} id="{notice.get("id")}"/>' in answer
    assert '<store xmlns="urn:xmpp:hints"/>' in answer, "who never saw the notice has it as a message of its own"
    assert "<body>hello</body>" in answer


def test_a_repeat_of_the_answer_is_the_same_message_without_the_notice() -> None:
    play = Play()
    play.noticed()
    (first,), _ = said(play.talk, reply(ONE))
    (second,), _ = said(play.talk, reply(ONE))
    assert REPLACE in first
    assert REPLACE not in second
    assert 'id="' in second


def test_quick_work_is_not_told() -> None:
    play = Play()
    play.asks()
    assert play.at(2) == []
    (answer,), _ = said(play.talk, reply(ONE))
    assert REPLACE not in answer
    assert play.at(NOTICE_S + 2) == []


@pytest.mark.parametrize(("inner", "kind"), [(KNOWS_NOT, "result"), ("", "error"), (KNOWS, "error"), ("", "result")])
def test_a_client_that_does_not_know_corrections_is_not_told(inner: str, kind: str) -> None:
    play = Play()
    play.asks()
    (asked,) = play.at(4)
    assert play.client_says(asked, inner, kind)
    assert play.at(NOTICE_S) == []
    assert play.at(12) == []


def test_a_client_that_is_asleep_answers_nothing_and_is_not_woken() -> None:
    play = Play()
    play.asks()
    assert len(play.at(4)) == 1
    assert play.at(NOTICE_S) == []
    assert play.at(14) == []


def test_nobody_else_answers_for_a_client() -> None:
    play = Play()
    play.asks()
    (asked,) = play.at(4)
    assert not play.client_says(asked, sender="eve@elsewhere.test/x")
    assert not play.client_says(asked, kind="get")
    assert play.at(NOTICE_S) == []


def test_who_wrote_long_ago_is_not_told() -> None:
    play = Play()
    play.asks()
    (asked,) = play.at(4)
    play.client_says(asked)
    assert play.at(FRESH_S + 1) == []


def test_a_client_is_asked_once() -> None:
    play = Play()
    notice = play.noticed()
    said(play.talk, reply(ONE))
    play.clock.seconds = 100
    play.asks(TWO, "q2")
    (second,) = play.at(100 + NOTICE_S)
    assert NOTICE in to_text(second)
    assert second.get("id") != notice.get("id")


def test_a_notice_that_is_not_the_last_message_stays() -> None:
    play = Play()
    play.noticed()
    play.asks(TWO, "q2")
    (answer,), _ = said(play.talk, reply(ONE))
    assert REPLACE not in answer
    (second,), _ = said(play.talk, reply(TWO, to="q2"))
    assert REPLACE not in second


def test_another_message_of_the_agent_counts_too() -> None:
    play = Play()
    play.noticed()
    said(play.talk, reply(TWO, to="", kind="notice"))
    (answer,), _ = said(play.talk, reply(ONE))
    assert REPLACE not in answer


def test_an_error_takes_the_notice_back() -> None:
    play = Play()
    notice = play.noticed()
    envelope = reply(ONE, kind="error", body="It took too long.")
    _, behind = said(play.talk, replace(envelope, payload=replace(envelope.payload, to_jid=ALICE)))
    assert f'{REPLACE} id="{notice.get("id")}"/>' in behind[1]
    assert "<body>It took too long.</body>" in behind[1]
    assert '<no-store xmlns="urn:xmpp:hints"/>' in behind[1]


def test_programs_are_not_told() -> None:
    play = Play()
    play.asks(extra=HOPS)
    assert play.at(4) == []
    assert play.at(NOTICE_S) == []


def test_what_is_kept_is_bounded() -> None:
    notices = Notices(limit=3)
    play = Play()
    play.talk = Talk(play.clock, notices)
    for number in range(10):
        play.clock.seconds = number * 100.0
        play.asks(TurnId(UUID(int=number)), f"q{number}")
        for one in play.at(number * 100.0 + 4):
            play.client_says(one)
        said(play.talk, reply(TurnId(UUID(int=number)), to=f"q{number}"))
    assert max(len(notices._knows), len(notices._asked), len(notices._heard), len(notices._shown)) <= 3
