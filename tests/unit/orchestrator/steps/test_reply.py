"""The ids of replies: the same at every attempt, another one when a client uses an id and a text again much later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from aiox.kernel.envelope import HTTP, REACTED
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Answered, Refused, Usage
from orchestrator.proofs import Stopped, Turn
from orchestrator.steps.reply import replies_of
from policy.ledger import Record
from tests.stores import NOW
from tests.unit.orchestrator.messages import received

OWNER = OwnerId(uuid4())
DECISION = Record(uuid4(), OWNER, "gate.decision", "info", {}, NOW, "ada@localhost")


def ids(turn: Turn) -> list[UUID]:
    refused = Refused(ErrorCode.QUOTA_EXCEEDED, "no", ())
    stopped = Stopped(turn, OWNER, refused, DECISION, alert_to=BareJid("owner@localhost"))
    return [event.payload.outbox_id for event in replies_of(stopped, NOW)]


def test_an_attempt_after_a_crash_makes_the_same_ids() -> None:
    envelope = received()
    assert ids(Turn(envelope, 1, 1, 5)) == ids(Turn(envelope, 1, fence=2, sequence=5, suspect=True))


def test_the_same_message_a_week_later_has_replies_of_its_own() -> None:
    first = received()
    again = replace(first, occurred_at=first.occurred_at + timedelta(days=8))
    assert not set(ids(Turn(first, 1, 1, 5))) & set(ids(Turn(again, 1, 1, 99)))


def test_who_asked_over_http_gets_no_stanza_and_the_owner_is_told_all_the_same() -> None:
    turn = Turn(replace(received(), channel=HTTP), 1, 1, 5)
    refused = Refused(ErrorCode.INTERNAL, "no", ())
    assert replies_of(Stopped(turn, OWNER, refused, DECISION), NOW) == ()
    [alert] = replies_of(Stopped(turn, OWNER, refused, DECISION, alert_to=BareJid("owner@localhost")), NOW)
    assert (alert.payload.kind, alert.payload.to_jid) == ("notice", "owner@localhost")


ROOM = BareJid("garden@conference.localhost")


def in_a_room() -> Turn:
    event = received()
    message = replace(event.payload, sender=ROOM, sender_full=f"{ROOM}/gus", stanza_type="groupchat")
    return Turn(replace(event, payload=message), 1, 1, 5)


def answered(text: str) -> Answered:
    return Answered(text, Usage(0, 0), (), (), (), "", "", 0, 0)


def test_in_a_room_an_answer_names_whom_it_is_for() -> None:
    [event] = replies_of(Stopped(in_a_room(), OWNER, answered("hello"), DECISION), NOW)
    ready = event.payload
    assert (ready.kind, ready.to_jid, ready.stanza_type, ready.body) == ("answer", ROOM, "groupchat", "gus: hello")


def test_in_a_room_an_error_is_words() -> None:
    refused = Refused(ErrorCode.QUOTA_EXCEEDED, "The limit is reached.", ())
    [event] = replies_of(Stopped(in_a_room(), OWNER, refused, DECISION), NOW)
    assert (event.payload.kind, event.payload.body) == ("answer", "gus: The limit is reached.")
    assert event.payload.data is None


def test_a_room_that_may_not_talk_to_the_agent_hears_nothing() -> None:
    refused = Refused(ErrorCode.ACCESS_DENIED, "no", ())
    assert replies_of(Stopped(in_a_room(), OWNER, refused, DECISION), NOW) == ()


def test_nothing_is_said_to_a_reaction() -> None:
    turn = Turn(replace(received(), type=REACTED), 1, 1, 5)
    for outcome in (answered(""), Refused(ErrorCode.ACCESS_DENIED, "no", ())):
        assert replies_of(Stopped(turn, OWNER, outcome, DECISION), NOW) == ()
