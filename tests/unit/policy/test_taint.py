"""The rule of two: which turns need a person before something leaves."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from aiox.kernel.tools import APPEND_LINE, Taint, Terms, tool_taint
from policy.taint import exposure, reaches_only

PLAIN = APPEND_LINE
PAGE = replace(PLAIN, name="page", untrusted=True, outward=True)
ROWS = replace(PLAIN, name="rows", untrusted=True, private=True)
MAIL = replace(PLAIN, name="mail", outward=True)
KNOWN = {one.name: one for one in (PLAIN, PAGE, ROWS, MAIL)}
OWN = {"asker_is_owner": True, "clean_history": False}


def needs(*labels: str, tool: str = "mail", **given: bool) -> bool:
    values = OWN | given
    return exposure([Taint.MODEL, *labels], KNOWN, KNOWN[tool], **values).needs_a_person


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((), False),
        ((tool_taint("page"),), False),
        ((tool_taint("append_line"),), False),
        ((Taint.MEMORY,), False),
        ((Taint.MEMORY, tool_taint("page")), True),
        ((Taint.DOCUMENT,), True),
        ((Taint.HISTORY,), True),
        ((tool_taint("rows"),), True),
        ((tool_taint("unheard of"),), True),
        (("a label of tomorrow",), True),
    ],
)
def test_untrusted_private_and_outward_together_need_a_person(labels: tuple[str, ...], expected: bool) -> None:
    assert needs(*labels) is expected
    assert needs(*labels, tool="page") is expected
    assert not needs(*labels, tool="append_line")


def test_what_somebody_else_asks_is_untrusted_itself() -> None:
    assert not needs(asker_is_owner=False)
    assert needs(Taint.MEMORY, asker_is_owner=False)


def test_a_clean_history_is_private_and_no_more() -> None:
    assert not needs(Taint.HISTORY, clean_history=True)
    assert needs(Taint.HISTORY, tool_taint("page"), clean_history=True)
    assert needs(Taint.DOCUMENT, clean_history=True)


def test_any_two_of_the_three_pass() -> None:
    for untrusted, private, outward in product((False, True), repeat=3):
        labels = [tool_taint("page")] * untrusted + [Taint.MEMORY] * private
        assert needs(*labels, tool="mail" if outward else "append_line") is (untrusted and private and outward)


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (["ada@example.org"], True),
        (["ADA@Example.org", "ada@example.org"], True),
        ("ada@example.org", True),
        (["ada@example.org", "eve@example.org"], False),
        ([], False),
        (None, False),
        ([["ada@example.org"]], False),
        (["ada@example.org "], False),
        (["ada@example.org,eve@example.org"], False),
    ],
)
def test_recipients_on_the_owners_list(to: object, expected: bool) -> None:
    given = {} if to is None else {"to": to}
    assert reaches_only(given, Terms(allowed_recipients=("ada@example.org",))) is expected  # type: ignore[arg-type]
