"""Cursors: opaque, typed, of one list only."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cursors import cursor, cut, position_in
from gateway.errors import Stopped
from registry.pages import Position

moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))


@given(moments, st.uuids())
def test_a_position_comes_back_as_it_was(at: datetime, row: UUID) -> None:
    position = Position(at, row)
    assert position_in("agents", cursor("agents", position)) == position
    assert cursor("agents", position).replace("-", "").replace("_", "").isalnum()


def test_nothing_is_the_first_page() -> None:
    assert position_in("agents", "") is None


@given(st.text(alphabet="ABCabc019-_", min_size=1, max_size=64))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Stopped):
        position_in("agents", text)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Stopped):
        position_in("agents", cursor("documents", Position(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1))))


def test_a_time_beyond_all_calendars_is_refused() -> None:
    good = cursor("agents", Position(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1)))
    with pytest.raises(Stopped):
        position_in("agents", good[:6] + "f_______" + good[14:])


def test_pages_of_every_size_hold_every_row_once() -> None:
    rows = [Position(datetime(2026, 1, 1, tzinfo=UTC), UUID(int=number)) for number in range(7)]
    for limit in range(1, 9):
        seen: list[Position] = []
        after: str | None = ""
        while after is not None:
            behind = position_in("rows", after)
            found = [row for row in rows if behind is None or row.id.int > behind.id.int][: limit + 1]
            page, after = cut("rows", found, limit, lambda row: row)
            assert len(page) <= limit
            seen += page
        assert seen == rows
