"""A question of one hub's agent to another's, as a stanza and back."""

from __future__ import annotations

from uuid import UUID
from xml.etree.ElementTree import Element

import pytest

from aiox.kernel.question import LONGEST_MS, Question
from component.features.questions import ASK, BadQuestion, add_answer, add_question, answered_by, question_of
from component.stanza_xml import child, stanza

QUESTION = Question(UUID(int=1), UUID(int=2), (UUID(int=3), UUID(int=4)), 30_000)


def message(kind: str = "chat", stanza_id: str = "m") -> Element:
    return stanza("message", "a@agents.a.example", "b@agents.b.example", kind, stanza_id)


def test_it_comes_back_as_it_was() -> None:
    asked = message()
    add_question(asked, QUESTION)
    assert question_of(asked) == QUESTION
    assert question_of(message()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("call", ""),
        ("call", "x"),
        ("correlation", "x"),
        ("chain", ""),
        ("chain", "x"),
        ("chain", " ".join([str(UUID(int=3))] * 17)),
        ("timeout-ms", ""),
        ("timeout-ms", "-1"),
        ("timeout-ms", "\u0661"),
        ("timeout-ms", "9" * 30),
    ],
)
def test_what_is_in_no_order_is_refused(name: str, value: str) -> None:
    asked = message()
    add_question(asked, QUESTION)
    ask = child(asked, ASK, "ask")
    assert ask is not None
    ask.set(name, value)
    with pytest.raises(BadQuestion):
        question_of(asked)


def test_nobody_is_waited_for_longer_than_a_turn_may_take() -> None:
    asked = message()
    add_question(asked, Question(QUESTION.call, QUESTION.correlation, QUESTION.chain, 99_999_999))
    found = question_of(asked)
    assert found is not None
    assert found.timeout_ms == LONGEST_MS


def test_an_answer_and_an_error_name_the_question() -> None:
    answer = message()
    add_answer(answer, QUESTION)
    assert answered_by(answer) == QUESTION.stanza_id
    assert answered_by(message("error", QUESTION.stanza_id)) == QUESTION.stanza_id
    assert answered_by(message("error", "m")) == ""
    assert answered_by(message()) == ""
