"""Which messages hurry past their lane: `/cancel`, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from orchestrator.hurry import is_cancel
from orchestrator.proofs import Turn
from tests.unit.orchestrator.messages import received


@pytest.mark.parametrize("body", ["/cancel", " /cancel ", "/cancel that, please"])
def test_the_command(body: str) -> None:
    assert is_cancel(Turn(received(body), 1, 1, 1))


@pytest.mark.parametrize("body", ["", "cancel", "/help", "/cancelled", "please /cancel", "/etc/cancel"])
def test_anything_else(body: str) -> None:
    assert not is_cancel(Turn(received(body), 1, 1, 1))
