"""Which messages share a turn (SPEC 4): same thread, in time, nothing shown, small enough, never tried before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.commands.resume import RESUMED
from aiox.kernel.envelope import HTTP, Envelope, MessageReceived
from aiox.kernel.ids import AgentId, turn_id_of
from aiox.kernel.jid import BareJid, bare
from aiox.kernel.units import MAX_BODY_BYTES
from orchestrator.debounce import MAX_MERGED, belong_together, may_restart, merged
from orchestrator.proofs import Turn

AGENT = BareJid("agent-1@agents.localhost")


def turn(number: int, body: str = "hello", thread: str = "", *, suspect: bool = False) -> Turn:
    message = MessageReceived(
        sender_full="ada@localhost/phone",
        sender=bare("ada@localhost/phone"),
        agent_jid=AGENT,
        agent_id=AgentId(UUID(int=1)),
        message_id=f"id-{number}",
        turn_id=turn_id_of("ada@localhost", AGENT, f"id-{number}", body),
        body=body,
        stanza_type="chat",
        thread=thread,
    )
    envelope = Envelope(
        id=UUID(int=number),
        type="message.received",
        version=1,
        tenant=None,
        channel="xmpp",
        correlation_id=UUID(int=100 + number),
        causation_id=UUID(int=number),
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        producer="component",
        traceparent="",
        payload=message,
    )
    return Turn(envelope, partition=3, fence=1, sequence=number, suspect=suspect)


def over_http(one: Turn) -> Turn:
    return replace(one, envelope=replace(one.envelope, channel=HTTP))


def test_messages_over_http_have_an_answer_each() -> None:
    assert not belong_together([over_http(turn(1))], over_http(turn(2)))


@pytest.mark.parametrize("another", [turn(2, "/approve 1a2b"), turn(2)])
def test_a_command_stands_alone(another: Turn) -> None:
    assert not belong_together([turn(1, "/pending")], another)
    assert not belong_together([another], turn(1, "/pending"))


def test_a_held_turn_that_goes_on_stands_alone() -> None:
    held_turn = replace(turn(2), envelope=replace(turn(2).envelope, type=RESUMED))
    assert not belong_together([turn(1)], held_turn)
    assert not belong_together([held_turn], turn(1))


def test_two_messages_of_one_thread_belong_together() -> None:
    assert belong_together([turn(1)], turn(2))


@pytest.mark.parametrize(
    "another",
    [
        turn(2, thread="another"),
        turn(2, suspect=True),
        turn(2, "x" * MAX_BODY_BYTES),
        replace(turn(2), fence=2),
        turn(1),
        over_http(turn(2)),
    ],
    ids=["another thread", "tried before", "too long together", "another lease", "the same message again", "http"],
)
def test_what_stays_apart(another: Turn) -> None:
    assert not belong_together([turn(1)], another)


def test_nothing_joins_a_turn_that_was_tried_before() -> None:
    assert not belong_together([turn(1, suspect=True)], turn(2))


def test_a_turn_has_a_largest_number_of_messages() -> None:
    assert not belong_together([turn(number) for number in range(MAX_MERGED)], turn(99))


def test_a_merged_turn_has_all_texts_in_order_and_answers_the_last() -> None:
    parts = [turn(1, "one"), turn(2, "two"), turn(3, "three")]
    whole = merged(parts)
    assert whole.message.body == "one\ntwo\nthree"
    assert whole.message.turn_id == parts[0].message.turn_id
    assert whole.message.message_id == "id-3"
    assert whole.sequence == 1
    assert [member.message.turn_id for member in whole.all_members] == [part.message.turn_id for part in parts]


def test_one_message_is_its_own_turn() -> None:
    assert merged([turn(1)]) == turn(1)
    assert turn(1).all_members == (turn(1),)


@given(st.floats(0, 1e6), st.floats(0, 10), st.floats(0, 5), st.booleans())
def test_a_turn_restarts_only_inside_its_window_and_untouched(
    started: float, later: float, window: float, touched: bool
) -> None:
    assert may_restart(started, started + later, window, touched) == (
        not touched and (started + later) - started < window
    )


def test_a_window_of_zero_is_off() -> None:
    assert not may_restart(5.0, 5.0, 0.0, touched=False)
