"""What is known of an agent is what its last turn has shown, and there is an end to how many are known."""

from __future__ import annotations

import pytest

from aiox.kernel.jid import BareJid
from orchestrator import known_agents as module
from orchestrator.known_agents import KnownAgent, KnownAgents

ONE, OTHER = BareJid("one@agents.localhost"), BareJid("other@agents.localhost")


def test_the_last_turn_counts() -> None:
    agents = KnownAgents()
    assert agents.of(ONE) is None
    agents.learn(ONE, KnownAgent(1.0, "default", 0.5))
    agents.learn(ONE, KnownAgent(0.2, "large", 0.5))
    assert agents.of(ONE) == KnownAgent(0.2, "large", 0.5)
    assert agents.of(OTHER) is None


def test_agents_that_were_not_heard_of_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    agents, third = KnownAgents(), BareJid("third@agents.localhost")
    for address in (ONE, OTHER, ONE, third):
        agents.learn(address, KnownAgent(0.5, "default", 0.5))
    assert [agents.of(address) is None for address in (ONE, OTHER, third)] == [False, True, False]
