"""The orchestrator with one guard taken out: tool calls are not on record. Run by the control of test_tools.py only."""

from __future__ import annotations

from unittest.mock import patch

from aiox.cli.run import run_service
from aiox.runtime.settings import load_settings
from orchestrator.steps.tool_call import TurnDesk
from policy.tools import Call
from registry.approvals import Kept


class Forgetful(TurnDesk):
    """Lets calls through without a word of it anywhere."""

    @property
    def has_calls(self) -> bool:
        return False

    @has_calls.setter
    def has_calls(self, _value: bool) -> None:
        """Forgotten at once."""

    async def _start(self, wanted: Call, kept: Kept | None) -> None:
        """No row, no ledger entry."""


def main() -> None:
    """Runs the service as `aiox run orchestrator --instance 2` does, with a bad memory."""
    with patch("orchestrator.steps.dispatch.TurnDesk", Forgetful):
        run_service("orchestrator", load_settings(), 2)


if __name__ == "__main__":
    main()
