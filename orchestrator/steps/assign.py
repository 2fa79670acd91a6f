"""Step 8: the turn's place in the queue by the scoring model."""

from __future__ import annotations

from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Assigned, Reserved
from policy.scoring import Inputs, score


def assign(ports: Ports, reserved: Reserved) -> Assigned:
    """Scores the turn from what is known now; the inputs stay with it."""
    loaded = reserved.loaded
    with ports.telemetry.span(Step.PRIORITY, loaded.turn.envelope.traceparent, loaded.turn.attributes):
        ports.turnstile.learn(loaded.turn.message.agent_id, loaded.version.capabilities.priority_weight)
        inputs = Inputs(
            reputation=ports.versions.reputation(loaded.version.id),
            tools=loaded.tools.availability,
            priority=loaded.version.capabilities.priority_weight,
            capacity=ports.workers.free_share(loaded.version.llm_config.worker_pool),
        )
        return Assigned(reserved, inputs, score(inputs, ports.weights))
