"""Step 8: the score's inputs, and what is kept of the agent for its next turns."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

from aiox.kernel.jid import BareJid
from orchestrator.known_agents import KnownAgent, KnownAgents
from orchestrator.ports import Ports
from orchestrator.proofs import Reserved
from orchestrator.steps.assign import assign
from policy.scoring import Inputs, Weights

ALIAS = BareJid("helper@agents.localhost")


def assigned(agents: KnownAgents, task: str = "") -> Inputs:
    version = SimpleNamespace(
        id=uuid4(),
        llm_config=SimpleNamespace(worker_pool="large"),
        capabilities=SimpleNamespace(priority_weight=0.8),
    )
    turn = SimpleNamespace(
        attributes={}, envelope=SimpleNamespace(traceparent=""), message=SimpleNamespace(agent_jid=ALIAS)
    )
    loaded = SimpleNamespace(turn=turn, version=version, tools=SimpleNamespace(availability=0.5), task=task)
    ports = SimpleNamespace(
        agents=agents,
        telemetry=SimpleNamespace(span=lambda *_: nullcontext()),
        versions=SimpleNamespace(reputation=lambda _id: 0.9),
        workers=SimpleNamespace(free_share=lambda pool: {"large": 0.25}[pool]),
        weights=Weights(),
    )
    return assign(cast(Ports, ports), cast(Reserved, SimpleNamespace(loaded=loaded))).inputs


def test_the_agent_is_known_by_the_address_that_was_written_to_from_then_on() -> None:
    agents = KnownAgents()
    assert assigned(agents) == Inputs(reputation=0.9, tools=0.5, priority=0.8, capacity=0.25)
    assert agents.of(ALIAS) == KnownAgent(0.8, "large", (0.9 + 0.5 + 0.8 + 0.0) / 4)


def test_what_the_hub_asks_of_its_model_says_nothing_of_its_turns() -> None:
    agents = KnownAgents()
    assigned(agents, task="summary")
    assert agents.of(ALIAS) is None
