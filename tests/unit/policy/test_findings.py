"""What a check is given: all its steps, unless a test takes one out."""

from __future__ import annotations

from dataclasses import astuple

from policy.findings import Guards, Known


def test_all_steps_are_taken_and_nothing_is_known_beforehand() -> None:
    assert all(astuple(Guards()))
    assert Known() == Known((), None)
