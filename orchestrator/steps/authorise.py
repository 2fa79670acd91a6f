"""Step 5, governance: the gate judges the facts; its decision becomes a ledger row either way."""

from __future__ import annotations

from aiox.commands import gate
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Allow, Deny
from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Authorised, Identified, Stopped


def authorise(ports: Ports, identified: Identified) -> Authorised | Stopped:
    """Lets the turn in, or stops it with the code that is the same for hidden, forbidden and unknown agents."""
    turn, facts = identified.turn, identified.facts
    with ports.telemetry.span(Step.GOVERNANCE, turn.envelope.traceparent, turn.attributes):
        verdict = gate.judge_turn(facts.relation)
        decision = gate.decision(
            ports.clock,
            verdict,
            Action.AGENT_INVOKE,
            facts.owner,
            turn.message.sender,
            turn.envelope.correlation_id,
        )
    if isinstance(verdict, Allow):
        return Authorised.of(identified, decision)
    reason = verdict.reason if isinstance(verdict, Deny) else "This needs an approval that turns cannot ask for."
    code = verdict.code if isinstance(verdict, Deny) else ErrorCode.ACCESS_DENIED
    return Stopped(turn, facts.owner or HUB_OWNER, Refused(code, reason, verdict.rules), decision)
