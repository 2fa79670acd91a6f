"""May this call run: the agent's own rules for its tools and the policies above them, together. Deny wins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.kernel.actions import Action
from aiox.kernel.canonical import digest
from aiox.kernel.errors import ErrorCode
from aiox.kernel.tools import ToolDescription, call_id
from aiox.kernel.verdict import Deny, Hold
from policy.access import Relation
from policy.approval_text import recipients_of
from policy.approvals import FOUR_EYES
from policy.cedar.facts import Facts
from policy.cedar.judge import NONE_LOADED, Decision, Policies, decide
from policy.cedar.level import strictest
from policy.taint import RULE_OF_TWO, exposure
from policy.tools import AllowedTools, Call, Configured, allowed_tools, judge_call


@dataclass(frozen=True, slots=True)
class Read:
    """What stood before the model when it wrote the call: labels of aiox.kernel.tools.Taint."""

    labels: Collection[str] = ()
    clean_history: bool = False
    """No earlier turn of the conversation rested on documents or tools."""


NOTHING_READ: Final = Read()
RULE_ROOM: Final = "agent/no-approval-in-rooms"
RULE_AGENT: Final = "agent/no-approval-for-agents"
NOT_FOR_AGENTS: Final = (
    "This call needs an approval, and the question came from another agent: nobody is there to be asked."
)
NOT_IN_ROOMS: Final = (
    "This call needs an approval, and in a room nobody knows who asks for it. Ask for it in a chat of your own."
)


def judge_tool(
    call: Call,
    facts: Facts,
    policies: Policies | None,
    offered: AllowedTools,
    configured: Sequence[Configured],
    known: Mapping[str, ToolDescription],
    approvals: Collection[str],
    read: Read = NOTHING_READ,
) -> Decision:
    """The judge's word on a call. `facts` are those of the turn; what the tool is and whom it reaches is added here."""
    own = judge_call(call, offered, configured, known, approvals)
    arguments = b"{}" if isinstance(own, Deny) else call.arguments  # a call in no order may have none that can be read
    asked = tool_facts(facts, known.get(call.tool), call.tool, arguments)
    above = decide(asked, policies)
    if isinstance(own, Deny):
        return Decision(asked, own, above.policy_version)
    if isinstance(above.verdict, Deny) and above.verdict.code is ErrorCode.ACCESS_DENIED:
        refused = Deny(ErrorCode.TOOL_REFUSED, above.verdict.reason, above.verdict.rules)
        return Decision(asked, refused, above.policy_version)
    two = _rule_of_two(known[call.tool], facts, known, read)
    return Decision(asked, strictest([above.verdict, own, *two]), above.policy_version)


def asked_by_a_room(decision: Decision) -> Decision:
    """What needs a person's yes is refused to a room: nobody knows who of its people asked, so nobody is another."""
    return _never_held(decision, NOT_IN_ROOMS, RULE_ROOM)


def asked_by_an_agent(decision: Decision) -> Decision:
    """What needs a person's yes is refused to an agent that asks: it has no person's word to pass on."""
    return _never_held(decision, NOT_FOR_AGENTS, RULE_AGENT)


def _never_held(decision: Decision, why: str, rule: str) -> Decision:
    if not isinstance(decision.verdict, Hold):
        return decision
    refused = Deny(ErrorCode.TOOL_REFUSED, why, (*decision.verdict.rules, rule))
    return Decision(decision.facts, refused, decision.policy_version)


def _rule_of_two(
    tool: ToolDescription, facts: Facts, known: Mapping[str, ToolDescription], read: Read
) -> Sequence[Hold]:
    """Its owner may agree themselves; for anybody else's turn somebody who may decide for the owner has to."""
    is_owner = facts.relation is Relation.OWNER
    found = exposure(read.labels, known, tool, asker_is_owner=is_owner, clean_history=read.clean_history)
    return [Hold("confirm" if is_owner else FOUR_EYES, (RULE_OF_TWO,))] if found.needs_a_person else []


def tool_facts(turn: Facts, tool: ToolDescription | None, name: str, arguments: bytes) -> Facts:
    """The facts of a call. A tool that the hub does not know counts as critical."""
    return Facts(
        action=Action.TOOL_CALL,
        relation=turn.relation,
        actor=turn.actor,
        roles=turn.roles,
        resource=turn.resource,
        channel=turn.channel,
        tool=name,
        risk=tool.risk if tool else "critical",
        read_only=tool.read_only if tool else False,
        recipients=frozenset(recipients_of(arguments)),
        second_factor=turn.second_factor,
        proof=turn.proof,
    )


def would(
    facts: Facts,
    policies: Policies | None,
    tool: str,
    configured: Sequence[Configured],
    known: Mapping[str, ToolDescription],
    approvals: Collection[str],
) -> Decision:
    """What would happen if this person's turn asked for that tool, with no arguments. For dry runs: nothing is run."""
    turn = UUID(int=0)
    call = Call(turn, 0, str(call_id(turn, 0)), tool, b"{}")
    offered = allowed_tools([one.name for one in configured], known)
    return judge_tool(call, facts, policies, offered, configured, known, approvals)


def policy_hash(agent: str, policies: Policies | None, pin: str = "") -> str:
    """SHA-256, in hex, over the agent's own governance and every policy above it: what an approval is bound to.

    `pin` is the digest of an MCP server's tool: one that is another by then is not what was agreed to.
    """
    above = policies.digest if policies else NONE_LOADED
    return digest([agent, above, pin] if pin else [agent, above])
