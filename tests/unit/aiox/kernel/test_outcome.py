"""Endings of a turn are values that do not change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Failed, Usage


def test_usage_adds_up() -> None:
    assert Usage(3, 4).total == 7


def test_an_outcome_cannot_be_changed_afterwards() -> None:
    failed = Failed(ErrorCode.TIMEOUT, "late", Usage(1, 0))
    with pytest.raises(FrozenInstanceError):
        failed.code = ErrorCode.INTERNAL  # type: ignore[misc]
