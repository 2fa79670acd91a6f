"""The gate: facts once, the judge decides, one decision row. The only way to read or change anything for a person."""

from __future__ import annotations

from uuid import UUID, uuid4

from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from aiox.runtime.clock import Clock
from policy import access
from policy.access import Relation
from policy.ledger import Record
from registry import ledger

DECISION = "gate.decision"


async def authorise(hub: Hub, actor: Actor, action: Action, target_owner: OwnerId | None) -> Verdict:
    """Judges a command and records the decision. `target_owner` owns what is asked for; None: nobody, or unknown."""
    relation = Relation.OWNER if target_owner is not None and target_owner == actor.owner else Relation.NONE
    return await authorise_related(hub, actor, action, relation, target_owner)


async def authorise_related(
    hub: Hub, actor: Actor, action: Action, relation: Relation, target_owner: OwnerId | None
) -> Verdict:
    """The same for what may belong to somebody else who lets the actor in (registry.directory.find_relation)."""
    verdict = access.decide(action, relation)
    await ledger.append(hub.pool, [decision(hub.clock, verdict, action, target_owner, actor.jid, uuid4())])
    return verdict


def judge_turn(relation: Relation) -> Verdict:
    """Rule 0: a turn on an agent that the sender has no relation to is refused."""
    return access.decide(Action.AGENT_INVOKE, relation)


def decision(
    clock: Clock, verdict: Verdict, action: Action, owner: OwnerId | None, actor: BareJid, correlation_id: UUID
) -> Record:
    """The ledger row of a decision, allow or deny."""
    match verdict:
        case Allow(rules):
            result, code = "allow", ""
        case Hold(kind, rules):
            result, code = "hold", kind
        case Deny(denied, _, rules):
            result, code = "deny", str(denied)
    return Record(
        id=uuid4(),
        owner=owner or HUB_OWNER,
        event_type=DECISION,
        severity="warning" if result == "deny" else "info",
        details={"action": str(action), "decision": result, "reason_code": code, "rules": list(rules)},
        created_at=clock.now(),
        actor=actor,
        correlation_id=correlation_id,
    )
