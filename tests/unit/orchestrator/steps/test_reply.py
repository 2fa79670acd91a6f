"""The ids of replies: the same at every attempt, another one when a client uses an id and a text again much later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from aiox.kernel.envelope import HTTP
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
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
