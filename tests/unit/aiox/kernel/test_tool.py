"""What a tool is: when a call of it only reads."""

from __future__ import annotations

from dataclasses import replace

from aiox.kernel.tools import APPEND_LINE

FETCH = replace(APPEND_LINE, reads_when={"method": ("GET", "HEAD")})


def test_a_tool_that_only_reads_always_does() -> None:
    assert replace(APPEND_LINE, read_only=True).is_reading({"anything": 1})
    assert not APPEND_LINE.is_reading({})


def test_a_tool_that_may_read_does_by_its_arguments() -> None:
    assert FETCH.is_reading({"method": "GET"})
    assert FETCH.is_reading({})
    assert not FETCH.is_reading({"method": "POST"})
    assert not FETCH.is_reading({"method": "get"})
