"""Step 8: the turn's place in the queue by the scoring model."""

from __future__ import annotations

from dataclasses import replace

from aiox.runtime.steps import Step
from orchestrator.known_agents import KnownAgent
from orchestrator.ports import Ports
from orchestrator.proofs import Assigned, Reserved
from policy.scoring import Inputs, score


def assign(ports: Ports, reserved: Reserved) -> Assigned:
    """Scores the turn from what is known now; the inputs stay with it, and the agent is known from then on."""
    loaded = reserved.loaded
    with ports.telemetry.span(Step.PRIORITY, loaded.turn.envelope.traceparent, loaded.turn.attributes):
        priority, pool = loaded.version.capabilities.priority_weight, loaded.version.llm_config.worker_pool
        inputs = Inputs(
            reputation=ports.versions.reputation(loaded.version.id),
            tools=loaded.tools.availability,
            priority=priority,
            capacity=ports.workers.free_share(pool),
        )
        known = KnownAgent(priority, pool, score(replace(inputs, capacity=0.0), ports.weights))
        if not loaded.task:  # what the hub asks of an agent's model says little of its turns
            ports.agents.learn(loaded.turn.message.agent_jid, known)
        return Assigned(reserved, inputs, score(inputs, ports.weights))
