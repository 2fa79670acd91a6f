"""The gate: facts once, the judge decides, one decision row. The only way to read or change anything for a person."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid4

from aiox.commands import gate_metrics
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Pool
from policy import access
from policy.access import Relation
from policy.cedar import judge
from policy.cedar.facts import Facts
from policy.cedar.judge import NONE_LOADED, Decision, Policies
from policy.ledger import Record
from registry import approvals

DECISION = "gate.decision"
MENDS_POLICY: Final = frozenset(
    {Action.POLICY_READ, Action.POLICY_CHECK, Action.POLICY_PUBLISH, Action.POLICY_ROLLBACK, Action.POLICY_TRY}
)
RULE_MENDS: Final = "R5 the-operator-mends-a-broken-policy"


async def authorise(hub: Hub, actor: Actor, action: Action, target_owner: OwnerId | None) -> Verdict:
    """Judges a command and records the decision. `target_owner` owns what is asked for; None: nobody, or unknown."""
    relation = Relation.OWNER if target_owner is not None and target_owner == actor.owner else Relation.NONE
    return await authorise_related(hub, actor, action, relation, target_owner)


async def authorise_related(
    hub: Hub,
    actor: Actor,
    action: Action,
    relation: Relation,
    target_owner: OwnerId | None,
    organisation: UUID | None = None,
) -> Verdict:
    """The same for what may belong to somebody else who lets the actor in (registry.directory.find_relation).

    `organisation` is the one that it is about; left out, the owner's.
    """
    policies = await hub.policies.holding(hub.pool, target_owner or actor.owner, hub.clock.monotonic())
    roles = await roles_towards(hub.pool, policies, actor.jid, target_owner)
    decided = _decided(actor, facts_of(actor, action, relation, roles), policies)
    if organisation is None and relation is not Relation.NONE:  # a stranger's refusal is the same work everywhere
        organisation = await organisation_of(hub, target_owner, action)
    await hub.decided(decision(hub.clock, decided, target_owner, uuid4(), organisation))
    return decided.verdict


async def organisation_of(hub: Hub, owner: OwnerId | None, action: str) -> UUID | None:
    """The organisation that a record of this action or event names; None for what is a person's own affair."""
    return await hub.policies.organisations.of(hub.pool, owner, action, hub.clock.monotonic())


async def roles_towards(pool: Pool, policies: Policies | None, jid: BareJid, owner: OwnerId | None) -> frozenset[str]:
    """Roles of an address in organisations that `owner` belongs to; looked up only where a policy speaks of roles."""
    if policies is None or owner is None or not policies.read_roles:
        return frozenset()
    return (await approvals.find_person(pool, jid, owner)).roles


def facts_of(actor: Actor, action: Action, relation: Relation, roles: frozenset[str]) -> Facts:
    """What is known of a person who asks through a command. `roles` are those in organisations."""
    return Facts(
        action=str(action),
        relation=relation,
        actor=actor.jid,
        roles=roles | {str(actor.hub_role)} if actor.hub_role else roles,
        channel="http" if actor.session else "shell" if actor.owner == HUB_OWNER and actor.jid else "",
        proof=actor.proof,
    )


def _decided(actor: Actor, facts: Facts, policies: Policies | None) -> Decision:
    """With no policy, or a broken one, the operator at the shell may still mend it; nobody may do anything else."""
    if policies is None and facts.channel == "shell" and facts.action in MENDS_POLICY and not actor.session:
        verdict = access.decide(facts.action, facts.relation)
        if isinstance(verdict, Allow):
            return Decision(facts, Allow((*verdict.rules, RULE_MENDS)), NONE_LOADED)
    return judge.decide(facts, policies)


def judge_turn(relation: Relation) -> Verdict:
    """Rule 0 alone, without the policies: a turn on an agent that the sender has no relation to is refused."""
    return access.decide(Action.AGENT_INVOKE, relation)


def code_of(verdict: Deny | Hold) -> ErrorCode:
    """The error code for what may not go on; a hold is ACCESS_DENIED where nothing can wait."""
    return verdict.code if isinstance(verdict, Deny) else ErrorCode.ACCESS_DENIED


def decision(
    clock: Clock, decided: Decision, owner: OwnerId | None, correlation_id: UUID, organisation: UUID | None = None
) -> Record:
    """The ledger row of a decision, allow or deny, which is counted. `organisation` is whose auditors may read it."""
    match decided.verdict:
        case Allow(rules):
            result, code = "allow", ""
        case Hold(kind, rules):
            result, code = "hold", kind
        case Deny(denied, _, rules):
            result, code = "deny", str(denied)
    gate_metrics.decided(str(decided.facts.action), result, code)
    details: dict[str, Json] = {
        "action": str(decided.facts.action),  # an enum's member is a str of its own kind: slow to encode
        "decision": result,
        "reason_code": code,
        "rules": list(rules),
        "policy": decided.policy_version,
    }
    if decided.facts.tool:
        details["tool"] = decided.facts.tool
    if decided.facts.proof:
        details["proof"] = decided.facts.proof
    return Record(
        id=uuid4(),
        owner=owner or HUB_OWNER,
        event_type=DECISION,
        severity="warning" if result == "deny" else "info",
        details=details,
        created_at=clock.now(),
        actor=decided.facts.actor,
        correlation_id=correlation_id,
        organisation_id=organisation,
    )
