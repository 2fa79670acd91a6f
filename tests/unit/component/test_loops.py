"""Two of our agents that answer each other stop by themselves, and the stop is on record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import uuid4

import pytest
import structlog

from component import loops as room
from component.loop_guard import EXCHANGES, LoopGuard
from component.loops import Loops
from component.stanzas_in import Question, read_message, vouched_sender
from policy.ledger import Record
from tests.unit.component.fakes import HandClock, settle
from tests.unit.component.stanzas import message

ONE, TWO = "agent-a@agents.hub.test", "agent-b@agents.hub.test"


def question(sender: str, to: str, number: int) -> Question:
    stanza = message("<body>and you?</body>", f'type="chat" id="{number}"', sender=f"{sender}/aiox", to=to)
    found_sender = vouched_sender(stanza)
    assert found_sender is not None
    found = read_message(stanza, found_sender, uuid4)
    assert isinstance(found, Question)
    return found


def talked(loops: Loops | None) -> int:
    """How many messages two agents exchange that always answer, a thousand at most."""
    speakers = [ONE, TWO]
    for number in range(1000):
        asked = question(speakers[number % 2], speakers[(number + 1) % 2], number)
        if loops is not None and not loops.lets_in(asked):
            return number
    return 1000


async def test_two_agents_stop_by_themselves_and_the_stop_is_in_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RETRY_S", 0)
    rows: list[Record] = []
    failures = [OSError("away")]

    async def append(records: Sequence[Record]) -> None:
        if failures:
            raise failures.pop()
        rows.extend(records)

    loops = Loops(LoopGuard("agents.hub.test"), append, HandClock(), structlog.get_logger())
    assert talked(loops) == 2 * EXCHANGES
    assert not loops.lets_in(question(ONE, TWO, 5000)), "silence for a while"
    working = asyncio.ensure_future(loops.work())
    await settle()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    (row,) = rows
    assert (row.event_type, row.actor, row.severity) == ("loop.stopped", ONE, "warning")
    assert row.encode()


@pytest.mark.control
def test_control_without_the_guard_they_go_on() -> None:
    assert talked(None) == 1000
