"""From the judge's verdict to what a person is told."""

from __future__ import annotations

from aiox.commands import gate
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Allow, Deny, Verdict
from registry import agents, directory

RULE_NO_APPROVALS = "R4 no-approval-here"


async def refused(hub: Hub, actor: Actor, action: Action, target_owner: OwnerId | None) -> Refused | None:
    """Passes the gate; None means go on. A Hold is refused: these commands have no way to wait for an approval."""
    return refusal_of(await gate.authorise(hub, actor, action, target_owner))


async def refused_related(hub: Hub, actor: Actor, action: Action, agent_id: AgentId) -> Refused | None:
    """The same for an agent that may be somebody else's: it is enough that its owner lets the actor in."""
    relation, owner = await directory.find_relation(hub.pool, agent_id, actor.jid)
    return hidden(refusal_of(await gate.authorise_related(hub, actor, action, relation, owner)))


def refusal_of(verdict: Verdict) -> Refused | None:
    """What a verdict is for who asked; None for Allow."""
    if isinstance(verdict, Allow):
        return None
    if isinstance(verdict, Deny):
        return Refused(verdict.code, verdict.reason, verdict.rules)
    return Refused(ErrorCode.ACCESS_DENIED, "This needs an approval.", (*verdict.rules, RULE_NO_APPROVALS))


async def refused_agent(
    hub: Hub, actor: Actor, action: Action, agent_id: AgentId, *, deleted: bool = False
) -> Refused | None:
    """The same for one agent. Unknown, deleted and foreign agents are NOT_FOUND in the same words and work.

    With `deleted`, only agents that are deleted and may still be restored are found.
    """
    owner = await agents.owner_of(hub.pool, actor.owner, agent_id, deleted=deleted)
    return hidden(await refused(hub, actor, action, owner))


def hidden(no: Refused | None) -> Refused | None:
    """A refusal that does not tell what is forbidden from what is not there."""
    if no is not None and no.code is ErrorCode.ACCESS_DENIED:
        return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], no.rules)
    return no
