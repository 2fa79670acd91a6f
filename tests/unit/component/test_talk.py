"""What is said around messages, by hand-turned clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.ids import TurnId
from component.asked import LOST_S
from component.stanza_xml import to_text
from component.talk import BUSY_S, TELL_S, Talk
from tests.unit.component.fakes import HandClock, opened
from tests.unit.component.stanzas import AGENT, ALICE
from tests.unit.component.test_stanzas_out import READY

MARKABLE = '<markable xmlns="urn:xmpp:chat-markers:0"/>'
ONE, TWO, THREE = (TurnId(UUID(int=number)) for number in (1, 2, 3))


def reply(
    turn: TurnId, *, to: str = "q1", kind: str = "answer", at: float = 0.0, body: str = "hello"
) -> Envelope[OutboxReady]:
    ready = replace(READY, turn_id=turn, reply_to_id=to, kind=kind, body=body)
    return Envelope(
        UUID(int=9), "outbox.ready", 1, None, "xmpp", ONE, ONE, datetime.fromtimestamp(at, UTC), "test", "", ready
    )


def said(talk: Talk, envelope: Envelope[OutboxReady]) -> tuple[list[str], list[str]]:
    stanzas, behind = talk.answered(envelope)
    return [to_text(one) for one in stanzas], [to_text(one) for one in behind]


def kinds(texts: list[str]) -> list[str]:
    names = ("displayed", "composing", "paused")
    return [next(name for name in names if f"<{name} " in text) for text in texts]


def test_what_is_worked_on_at_once_is_displayed_and_what_waits_when_its_turn_comes() -> None:
    clock = HandClock()
    talk = Talk(clock)
    assert kinds(opened(talk, ONE, MARKABLE)) == ["displayed", "composing"]
    clock.seconds = 5
    assert kinds(opened(talk, TWO, MARKABLE, "q2")) == ["composing"]
    assert kinds(opened(talk, THREE, MARKABLE, "q3")) == ["composing"]
    _, behind = said(talk, reply(ONE))
    assert kinds(behind) == ["displayed", "displayed", "composing"]
    assert '<displayed xmlns="urn:xmpp:chat-markers:0" id="q2"/><store xmlns="urn:xmpp:hints"/>' in behind[0]
    assert said(talk, reply(TWO, to="q3"))[1] == [], "both shared a turn"


def test_who_did_not_ask_for_markers_gets_none() -> None:
    assert kinds(opened(Talk(HandClock()), ONE)) == ["composing"]


def test_an_answer_names_its_question_when_others_wait() -> None:
    clock = HandClock()
    talk = Talk(clock)
    opened(talk, ONE, body="What is\nthe  capital?")
    clock.seconds = 5
    opened(talk, TWO, message_id="q2")
    (first,), _ = said(talk, reply(ONE))
    assert "<body>&gt; What is the capital?\nhello</body>" in first
    assert '<reply xmlns="urn:xmpp:reply:0" to="alice@hub.test" id="q1"/>' in first
    length = len("> What is the capital?\n")
    assert (
        f'<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="{length}"/></fallback>'
        in first
    )
    (second,), _ = said(talk, reply(TWO, to="q2"))
    assert "<body>hello</body>" in second
    assert "urn:xmpp:reply" not in second


def test_a_long_answer_is_not_quoted_so_that_its_parts_stay_the_same() -> None:
    clock = HandClock()
    talk = Talk(clock)
    opened(talk, ONE)
    clock.seconds = 5
    opened(talk, TWO, message_id="q2")
    stanzas, _ = said(talk, reply(ONE, body="x" * 60_000))
    assert len(stanzas) == 2
    assert "urn:xmpp:reply" not in "".join(stanzas)


def test_a_late_answer_says_when_it_was_given() -> None:
    clock = HandClock(1000.0)
    talk = Talk(clock)
    (late,), _ = said(talk, reply(ONE, at=900.0))
    assert '<delay xmlns="urn:xmpp:delay" from="agents.hub.test" stamp="1970-01-01T00:15:00Z"/>' in late
    (soon,), _ = said(talk, reply(ONE, at=950.0))
    assert "urn:xmpp:delay" not in soon


def test_long_work_is_told_again_and_ends() -> None:
    clock = HandClock()
    talk = Talk(clock)
    opened(talk, ONE)
    assert talk.tick() == []
    clock.seconds = TELL_S
    assert kinds([to_text(one) for one in talk.tick()]) == ["composing"]
    assert talk.tick() == []
    clock.seconds = LOST_S
    assert kinds([to_text(one) for one in talk.tick()]) == ["paused"]
    assert talk.tick() == []
    assert talk.stop() == []


def test_a_stop_ends_all_typing() -> None:
    talk = Talk(HandClock())
    opened(talk, ONE)
    assert kinds([to_text(one) for one in talk.stop()]) == ["paused"]
    assert talk.stop() == []


def test_an_error_ends_the_typing_of_who_was_shown_it() -> None:
    talk = Talk(HandClock())
    opened(talk, ONE)
    assert kinds(said(talk, reply(ONE, kind="error"))[1]) == ["paused"]
    assert said(talk, reply(ONE, kind="error"))[1] == []


def test_long_work_shows_as_busy_while_it_lasts() -> None:
    clock, busy = HandClock(), set[tuple[str, str]]()
    talk = Talk(clock)
    opened(talk, ONE)
    running = talk._asked.running
    assert running(BUSY_S, BUSY_S) == busy
    assert running(BUSY_S + 1, BUSY_S) == {(AGENT, ALICE.partition("/")[0])}
    said(talk, reply(ONE))
    assert running(BUSY_S + 1, BUSY_S) == busy


def test_a_reply_of_another_kind_changes_nothing() -> None:
    talk = Talk(HandClock())
    opened(talk, ONE)
    ready: OutboxReady = replace(READY, turn_id=TWO, kind="notice")
    assert talk.known(ready) == []
    assert len(talk.stop()) == 1
