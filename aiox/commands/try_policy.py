"""A dry run: what would happen if X asked Y for Z. Nothing is done, and what is asked about is in no ledger row."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from aiox.commands.fields import Fields
from aiox.commands.gate import authorise_related, roles_towards
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import hidden, refusal_of
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId
from aiox.kernel.jid import BareJid, bare
from aiox.kernel.outcome import Refused
from policy.access import Relation
from policy.cedar.explain import Explanation, explain
from policy.cedar.facts import Facts
from policy.cedar.judge import decide
from policy.tool_gate import would
from registry import agents, directory

ACTION: Final = Action.POLICY_TRY


class Question(Fields):
    """Who asks for what. Without an agent: for something of their own."""

    actor: Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,255}@[^@\s/]{1,255}$")]
    """Bare address of the person."""
    action: str = Field(max_length=100)
    agent_id: AgentId | None = None
    tool: str = Field("", max_length=100)
    """Asked for in a turn of the agent; the action is `tool.call` then."""
    channel: Literal["", "xmpp", "http"] = ""


async def run(hub: Hub, actor: Actor, fields: Question) -> Explanation | Refused:
    """The judge's answer in words. An owner may ask about their agents and themselves, the operator about all.

    NOT_FOUND for what is not the actor's.
    """
    owner: OwnerId | None = actor.owner if fields.actor == actor.jid else None
    if fields.agent_id is not None:
        owner = await agents.owner_of(hub.pool, actor.owner, fields.agent_id)
    if owner is not None or (actor.owner == HUB_OWNER and actor.jid):
        relation = Relation.OWNER
    else:
        relation = Relation(actor.hub_role) if actor.hub_role else Relation.NONE
    no = hidden(refusal_of(await authorise_related(hub, actor, ACTION, relation, owner)))
    if no is not None:
        return no
    towards, whose = await _relation(hub, fields)
    owner = owner or whose  # the operator owns no agents: those who do have organisations and agents that decide, too
    policies = await hub.policies.holding(hub.pool, owner, hub.clock.monotonic())
    roles = await roles_towards(hub.pool, policies, BareJid(bare(fields.actor)), owner)
    asked = Facts(fields.action, towards, fields.actor, roles, channel=fields.channel)
    if not fields.tool or fields.agent_id is None or owner is None:
        return explain(decide(asked, policies))
    detail = await agents.load_detail(hub.pool, owner, fields.agent_id)
    if detail is None:  # deleted since the gate looked
        return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    spec = detail.version.spec
    return explain(would(asked, policies, fields.tool, spec.tools, hub.tools, spec.governance.approvals))


async def _relation(hub: Hub, fields: Question) -> tuple[Relation, OwnerId | None]:
    """What the person in question is to what they ask for, and whose it is; no owner for what is hidden from them."""
    if fields.agent_id is None:
        return Relation.OWNER, None
    return await directory.find_relation(hub.pool, fields.agent_id, BareJid(bare(fields.actor)))
