"""Cutting keeps every word, respects headings and the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ai_worker.memory.chunks import Chunk, cut, embedded_text


def words(text: str) -> int:
    return len(text.split())


MARKDOWN = """Before any heading.

# Guide

## Start
Type `make up`.

It takes a while.

```sh
# not a heading

make up
```

## Stop ##
Press Ctrl-C.

# Other
Text.
"""


def test_sections_are_the_headings_above() -> None:
    assert [(chunk.section, chunk.content.split("\n")[0]) for chunk in cut(MARKDOWN, words)] == [
        ("", "Before any heading."),
        ("Guide > Start", "Type `make up`."),
        ("Guide > Stop", "Press Ctrl-C."),
        ("Other", "Text."),
    ]


def test_a_hash_inside_a_fence_is_no_heading() -> None:
    start = cut(MARKDOWN, words)[1]
    assert "# not a heading\n\nmake up" in start.content


def test_ordinals_count_from_zero() -> None:
    assert [chunk.ordinal for chunk in cut(MARKDOWN, words)] == [0, 1, 2, 3]


def test_paragraphs_of_a_section_stay_together_while_they_fit() -> None:
    text = "one two three\n\nfour five six\n\nseven eight nine"
    assert [chunk.content for chunk in cut(text, words, 6)] == ["one two three\n\nfour five six", "seven eight nine"]


def test_a_long_paragraph_is_cut_at_sentences_then_at_words() -> None:
    text = "One two three. Four five six. " + " ".join("seven" for _ in range(8)) + "."
    counts = [words(chunk.content) for chunk in cut(text, words, 4)]
    assert counts[:2] == [3, 3]
    assert max(counts) <= 4
    assert sum(counts) == 14


def test_a_word_longer_than_the_limit_is_cut_and_kept() -> None:
    parts = cut("x" * 100, len, 30)
    assert "".join(chunk.content for chunk in parts).replace("\n", "").replace(" ", "") == "x" * 100
    assert all(len(chunk.content) <= 30 for chunk in parts)


def test_plain_text_has_no_headings() -> None:
    assert [chunk.section for chunk in cut("# one\ntext\n\ntwo", words, markdown=False)] == [""]


def test_nothing_gives_nothing() -> None:
    assert cut("", words) == []
    assert cut(" \n\n\t\n# Only a heading\n", words) == []


def test_windows_lines_are_lines() -> None:
    assert [chunk.section for chunk in cut("# A\r\ntext\r\n# B\r\ntext\r\n", words)] == ["A", "B"]


def test_a_passage_is_embedded_under_its_nearest_heading() -> None:
    assert embedded_text(Chunk(0, "Start > Now", "go")) == "Now\ngo"
    assert embedded_text(Chunk(0, "", "go")) == "go"


def test_wrapped_lines_are_not_cut_and_list_items_keep_their_line() -> None:
    text = "- one two\n  three four\n- five six\n- seven eight nine ten"
    assert [chunk.content for chunk in cut(text, words, 8)] == [
        "- one two\n  three four\n- five six",
        "- seven eight nine ten",
    ]


@given(
    st.lists(st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "Zs"]), max_size=80), max_size=12),
    st.integers(3, 40),
)
def test_no_word_is_lost_and_no_passage_is_too_long(paragraphs: list[str], limit: int) -> None:
    text = "\n\n".join(paragraphs)
    chunks = cut(text, words, limit)
    assert [word for chunk in chunks for word in chunk.content.split()] == text.split()
    assert all(words(chunk.content) <= limit for chunk in chunks)
