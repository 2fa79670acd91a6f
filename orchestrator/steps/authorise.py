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
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import decide


async def authorise(ports: Ports, identified: Identified) -> Authorised | Stopped:
    """Lets the turn in, or stops it with the code that is the same for hidden, forbidden and unknown agents.

    Raises what the store raises when the policies have to be read anew and cannot be.
    """
    turn, found = identified.turn, identified.facts
    with ports.telemetry.span(Step.GOVERNANCE, turn.envelope.traceparent, turn.attributes):
        # A stranger's refusal is the same work whether the agent exists or not (SPEC 3).
        owner = found.owner if found.relation is not Relation.NONE else None
        policies = await ports.policies.holding(ports.pool, owner, ports.clock.monotonic())
        facts = Facts(
            action=Action.AGENT_INVOKE,
            relation=found.relation,
            actor=turn.message.sender,
            roles=await gate.roles_towards(ports.pool, policies, turn.message.sender, owner),
            resource=str(turn.message.agent_id),
            channel=turn.envelope.channel,
            proof=turn.message.proof,
        )
        decided = decide(facts, policies)
        organisation = await gate.organisation_of(ports.hub, owner, facts.action)
        decision = gate.decision(ports.clock, decided, found.owner, turn.envelope.correlation_id, organisation)
    verdict = decided.verdict
    if isinstance(verdict, Allow):
        return Authorised.of(identified, decision)
    reason = verdict.reason if isinstance(verdict, Deny) else "This needs an approval that turns cannot ask for."
    code = verdict.code if isinstance(verdict, Deny) else ErrorCode.ACCESS_DENIED
    return Stopped(turn, found.owner or HUB_OWNER, Refused(code, reason, verdict.rules), decision)
