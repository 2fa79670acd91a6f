"""Patches and differences of JSON documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.canonical import Json
from aiox.kernel.changes import Change, changes, merged, unified

# RFC 7396, appendix A, where both sides are objects.
RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
LEAVES = st.booleans() | st.integers(-1000, 1000) | st.text("abc/~", max_size=4)
OBJECTS = st.recursive(
    st.dictionaries(st.text("ab/~", min_size=1, max_size=2), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.text("ab/~", min_size=1, max_size=2), inner | LEAVES, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("base", "patch", "expected"), RFC_7396)
def test_patches_are_those_of_the_rfc(base: Any, patch: Any, expected: Any) -> None:
    assert merged(base, patch) == expected


def test_a_patch_leaves_the_base_alone() -> None:
    base = {"a": {"b": 1}}
    merged(base, {"a": {"b": 2}})
    assert base == {"a": {"b": 1}}


def test_changes_name_the_field_and_both_sides() -> None:
    before: dict[str, Json] = {"llm": {"t": 0.7, "gone": 1}, "list": [1], "same": "x", "a/b": 1}
    after: dict[str, Json] = {"llm": {"t": 0.2, "new": None}, "list": [1, 2], "same": "x", "a/b": 2}
    assert list(changes(before, after)) == [
        Change("/a~1b", "changed", "1", "2"),
        Change("/list", "changed", "[1]", "[1,2]"),
        Change("/llm/gone", "removed", "1", None),
        Change("/llm/new", "added", None, "null"),
        Change("/llm/t", "changed", "0.7", "0.2"),
    ]


@given(OBJECTS, OBJECTS)
def test_there_are_changes_exactly_when_the_documents_differ(before: Any, after: Any) -> None:
    assert list(changes(before, before)) == []
    same = before == after and repr(before) == repr(after)
    if not list(changes(before, after)):
        assert before == after
    elif same:
        raise AssertionError("a change between equal documents")


def test_texts_are_compared_line_by_line() -> None:
    shown = unified("Be kind.\nBe brief.", "Be kind.\nBe exact.", "version 1", "draft")
    assert shown.splitlines()[:2] == ["--- version 1", "+++ draft"]
    assert "-Be brief." in shown
    assert "+Be exact." in shown
    assert unified("same", "same", "a", "b") == ""
