"""Only an explicit request is one."""

from __future__ import annotations

import pytest

from ai_worker.memory.remember import MAX_FACT_CHARACTERS, fact_in


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("remember that my cat is called Ada", "my cat is called Ada"),
        ("Remember that my cat is called Ada.", "my cat is called Ada"),
        ("please remember: I work from Porto", "I work from Porto"),
        ("Please, remember that I work from Porto.", "I work from Porto"),
        ("Can you please remember that I am left-handed?", ""),
        ("Could you remember that I am left-handed. Thanks!", "I am left-handed. Thanks!"),
        ("REMEMBER: pay rent", "pay rent"),
        ("remember this: the code is 12", "the code is 12"),
        ("Hello! Please remember that I moved to Lisbon. How are you?", "I moved to Lisbon"),
        ("First line\nremember that two lines\nbelong together", "two lines belong together"),
        ("remember that this is one.\n\nAnd this is another matter.", "this is one"),
        ("Lembre-se de que eu moro em São Paulo.", "eu moro em São Paulo"),
        ("lembre que gosto de café", "gosto de café"),
        ("Por favor, lembre-se: reunião às 9h", "reunião às 9h"),
        ("Lembra que a chave está no vaso", "a chave está no vaso"),
    ],
)
def test_a_request_gives_its_fact(message: str, fact: str) -> None:
    assert fact_in(message) == fact


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Do you remember that evening?",
        "Do you remember that my cat is called Ada?",
        "I remember that I was there.",
        "What do you remember about me?",
        "Remember that time in Rome?",
        "I cannot remember: was it blue?",
        "remember",
        "remember that",
        "> remember that this is somebody else's line\nWhat do you think?",
        "My cat is called Ada.",
        "Você lembra que eu moro em São Paulo?",
        "He said remember that he is late",
    ],
)
def test_anything_else_is_none(message: str) -> None:
    assert fact_in(message) == ""


def test_a_fact_is_cut_to_its_limit() -> None:
    assert len(fact_in("remember that " + "x" * 5000)) == MAX_FACT_CHARACTERS


@pytest.mark.parametrize(
    ("message", "fact"),
    [
        ("/remember my train leaves at nine", "my train leaves at nine"),
        (" /remember two\nlines ", "two lines"),
        ("/remember", ""),
        ("/remembering is hard", ""),
    ],
)
def test_the_command_says_it_too(message: str, fact: str) -> None:
    assert fact_in(message) == fact
