"""A message that kills the orchestrator each time becomes a dead letter; its neighbours are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.chaos.checker import summary
from tests.chaos.readers import said, superuser
from tests.chaos.traffic import Traffic, traffic

POISON = "poison-apple"
GIVES_UP_S = 150.0


@pytest.fixture
async def poisoned() -> AsyncIterator[Traffic]:
    """A hub whose orchestrator dies of every message with the poison, after each restart again."""
    async with traffic(6, clients=2, conversations=4) as running:
        crash = {"AIOX_CRASH__POINT": "TURN_TAKEN", "AIOX_CRASH__TEXT": POISON}
        running.keeper.haunt("orchestrator", crash)
        await running.keeper.replace("orchestrator")
        yield running


@pytest.mark.timeout(600)
async def test_poison_becomes_a_dead_letter_and_its_neighbours_are_answered(poisoned: Traffic) -> None:
    person = poisoned.crowd.people[0]
    poison_lane, other_lane = poisoned.people[0].agents
    before, after, beside, poison, other = (str(uuid4()) for _ in range(5))
    now = person.now()
    person.say(before, poison_lane, f"[{before}] before", now)
    person.say(poison, poison_lane, f"[{poison}] {POISON}", now)
    person.say(after, poison_lane, f"[{after}] after", now)
    person.say(beside, other_lane, f"[{beside}] beside", now)
    poisoned.crowd.people[1].say(other, poisoned.people[1].agents[0], f"[{other}] of somebody else", now)
    assert await poisoned.settled(GIVES_UP_S), f"unfinished after all: {await poisoned.open_work()}"

    messages = person.journal.messages
    letter = said(messages[poison])
    async with superuser(poisoned.keeper.home, poisoned.keeper.settings) as hub:
        assert [row["turn_id"] for row in await hub.fetch("SELECT turn_id FROM dead_letters")] == [letter.turn_id]
        outcomes = {row["message_id"]: row["outcome"] for row in await hub.fetch("SELECT * FROM inbox")}
        correlation = await hub.fetchval("SELECT correlation_id FROM inbox WHERE turn_id = $1", letter.turn_id)
    assert await poisoned.crowd.answered(60)
    assert outcomes[poison] == "INTERNAL"
    assert [code for *_, code in messages[poison].errors] == ["INTERNAL"]
    assert any(str(correlation) in stanza for _, stanza in person.journal.stanzas if 'type="error"' in stanza)
    assert all(messages[one].answers for one in (before, after, beside))
    violations = await poisoned.violations()
    assert not violations, summary(violations)
