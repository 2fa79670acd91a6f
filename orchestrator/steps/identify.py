"""Step 4, ownership: what the sender is to the agent. Nothing else is read for one who is nothing to it."""

from __future__ import annotations

from typing import Final

from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Identified, Repeated, Turn
from orchestrator.turnstile import due_now
from registry.turns import find_turn

USUAL: Final = 0.5
"""The priority of an agent of which nothing is known yet."""


async def identify(ports: Ports, turn: Turn) -> Identified | Repeated:
    """Asks the registry once, by whichever address was used. Repeated when this turn has had its outcome already."""
    message = turn.message
    known = ports.agents.of(message.agent_jid)
    with ports.telemetry.span(Step.OWNERSHIP, turn.envelope.traceparent, turn.attributes):
        async with ports.turnstile.passed(due_now(known.priority if known else USUAL)):
            facts = await find_turn(ports.pool, message.agent_id, message.sender, message.turn_id)
    return Repeated(turn) if facts.concluded else Identified(turn.with_agent(facts.agent), facts)
