"""What an agent that may learn takes from a message: lasting things that people say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_worker.memory.learn import MOST, told_of_oneself
from ai_worker.memory.remember import MAX_FACT_CHARACTERS


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        ("My name is Ana Lima.", ("My name is Ana Lima",)),
        ("Hi! My cat is called Ada. How do I start the hub?", ("My cat is called Ada",)),
        ("Hello, I'm allergic to peanuts!", ("I'm allergic to peanuts",)),
        ("I am a nurse in Porto. I work at the hospital.", ("I am a nurse in Porto", "I work at the hospital")),
        ("I prefer short answers", ("I prefer short answers",)),
        ("I don\u2019t eat meat.\nCall me Bea", ("I don\u2019t eat meat", "Call me Bea")),
        ("Meu nome é João.", ("Meu nome é João",)),
        ("Olá, eu moro em Lisboa. Qual é a porta?", ("eu moro em Lisboa",)),
        ("Não gosto de café. Me chame de Zé.", ("Não gosto de café", "Me chame de Zé")),
        ("My favourite colour is  dark   green.", ("My favourite colour is dark green",)),
    ],
)
def test_what_people_say_of_themselves(message: str, facts: tuple[str, ...]) -> None:
    assert told_of_oneself(message) == facts


@pytest.mark.parametrize(
    "message",
    [
        "",
        "How do I start the hub?",
        "What is my name?",
        "Is my name Ana?",
        "My name is?",
        "She said my name is Ana.",
        "> My name is Ana",
        "```\nMy name is Ana\n```",
        "I am not sure.",
        "I think that it is broken",
        "I need help with the hub",
        "I like it a lot",
        "I like your answer",
        "I am a bit lost",
        "My question is about the port",
        "The name is Ana",
        "Translate: my name is Ana",
        "My name is " + "very " * 60 + "long",
        "x" * 5000 + " My name is Ana.",
    ],
)
def test_nothing_else(message: str) -> None:
    assert told_of_oneself(message) == ()


def test_a_message_teaches_a_few_things_only() -> None:
    assert len(told_of_oneself(" ".join(f"My number{n} is {n}." for n in range(20)))) == MOST


@given(st.text(max_size=6000))
def test_any_text_ends_and_what_is_kept_was_said(message: str) -> None:
    for fact in told_of_oneself(message):
        assert fact in " ".join(message.split())
        assert 0 < len(fact) <= MAX_FACT_CHARACTERS


@pytest.mark.parametrize("piece", ["I am a ", "my a-a ", "my is ", "oi ", " ", "```\n", "i like "])
def test_long_repetitions_end_soon(piece: str) -> None:
    told_of_oneself(piece * 2000)
