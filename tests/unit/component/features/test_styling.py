from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from component.features.styling import styled


@pytest.mark.parametrize(
    ("markdown", "styling"),
    [
        ("plain text, 2 * 3 * 4 = 24", "plain text, 2 * 3 * 4 = 24"),
        ("**bold** and **more**", "*bold* and *more*"),
        ("*it* and _it_", "_it_ and _it_"),
        ("***both***", "*_both_*"),
        ("snake_case_name and __init__.py", "snake_case_name and __init__.py"),
        ("~~gone~~", "~gone~"),
        ("# Title **strong**", "*Title strong*"),
        ("### Title ###", "*Title*"),
        ("#hashtag", "#hashtag"),
        ("[the page](https://x.test/a_b_c)", "the page (https://x.test/a_b_c)"),
        ("[https://x.test](https://x.test)", "https://x.test"),
        ("![a cat](https://x.test/cat.png)", "a cat (https://x.test/cat.png)"),
        ("* one\n+ two\n  * three", "- one\n- two\n  - three"),
        ("> quoted", "> quoted"),
        ("`**code**` **bold**", "`**code**` *bold*"),
        ("```python\n**no** # no\n```\n**yes**", "```python\n**no** # no\n```\n*yes*"),
        ("~~~\n# no\n~~~", "```\n# no\n```"),
        ("```\nnever **closed**", "```\nnever **closed**"),
        ("---", "---"),
        ("a **b\nc** d", "a **b\nc** d"),
        ("", ""),
    ],
)
def test_signs_become_those_that_clients_style(markdown: str, styling: str) -> None:
    assert styled(markdown) == styling


SIGNS = st.sampled_from(
    ["*", "**", "_", "__", "~~", "`", "```", "# ", "\n", " ", "[", "](", ")", "- ", "word", "b", "é"]
)


@given(st.lists(SIGNS, max_size=40).map("".join))
def test_no_word_is_lost_and_lines_stay_lines(text: str) -> None:
    made = styled(text)
    assert made.count("\n") == text.count("\n")

    def words(one: str) -> list[str]:
        return re.findall(r"[^\W_]+", one)

    assert words(made) == words(text)


@pytest.mark.parametrize("signs", ["*", "`", "[", "**a ", "__a ", "~~a ", "*a ", "`a", "[a](", "- ", "# #"])
def test_long_lines_of_signs_are_worked_through_once(signs: str) -> None:
    """A model may write anything: no expression may take the square of a line's length."""
    text = signs * (60_000 // len(signs))
    assert styled(text).replace("_", "*").count("a") == text.count("a")
