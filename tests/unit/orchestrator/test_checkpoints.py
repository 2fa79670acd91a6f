"""The task that signs the ledger goes on, whatever keeps it from signing, and says what did."""

from __future__ import annotations

import asyncio
from unittest.mock import MagicMock

import pytest

from aiox.runtime.clock import SystemClock
from aiox.runtime.secrets import SecretMissing
from orchestrator.checkpoints import SIGNED_AT, Checkpoints, NotSigned, signers_of


class Rounds(Checkpoints):
    """Rounds that end as they are told to, and then well."""

    def __init__(self, ends: list[Exception]) -> None:
        self.log = MagicMock()
        super().__init__(MagicMock(), "hub.example/ledger", lambda: "", SystemClock(), self.log, 0.01)
        self._ends = ends
        self.good = asyncio.Event()

    async def sign_next(self) -> int:
        if self._ends:
            raise self._ends.pop(0)
        self.good.set()
        return 1


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([ConnectionRefusedError("nobody listens")], "checkpoint_waits"),
        ([NotSigned("record 7 of the ledger is bad")], "checkpoint_refused"),
        ([SecretMissing("ledger_keys is missing")], "checkpoint_refused"),
        ([ValueError("a line of the key ring is not an id and a key")], "checkpoint_refused"),
    ],
)
async def test_a_round_that_failed_is_said_and_the_next_one_comes(ends: list[Exception], said: str) -> None:
    rounds = Rounds(ends)
    running = asyncio.create_task(rounds.run())
    try:
        async with asyncio.timeout(60):
            await rounds.good.wait()
    finally:
        running.cancel()
    calls: list[str] = [call[0] for call in rounds.log.method_calls]
    assert calls == [{"checkpoint_waits": "warning", "checkpoint_refused": "error"}[said]]
    assert rounds.log.method_calls[0].args == (said,)


async def test_a_bug_ends_the_task_and_with_it_the_process() -> None:
    with pytest.raises(KeyError):
        await Rounds([KeyError("bug")]).run()


def test_the_keys_are_read_with_their_numbers_the_newest_first() -> None:
    signers = signers_of(f"2:{'02' * 32}\n1:{'01' * 32}\n", "hub.example/ledger")
    assert list(signers) == [2, 1]
    assert signers[1].name == "hub.example/ledger"
    for wrong in ("", "1:zz", "1:01\n1:01"):
        with pytest.raises(ValueError, match="key"):
            signers_of(wrong, "hub.example/ledger")


def test_the_gauge_is_there_for_the_alert() -> None:
    assert SIGNED_AT._name == "aiox_ledger_checked_timestamp_seconds"
