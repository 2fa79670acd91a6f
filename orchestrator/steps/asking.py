"""Whom an agent may ask, and with what: the rights of a chain of agents only ever shrink (SPEC 10).

Who is asked must be open to the person who talks to the first agent, and to the owner of the agent that asks: the one
may not use the agent to reach farther than they may themselves, and neither may the other use the person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from aiox.kernel.ids import AgentId, TurnId, agent_id_of, derived_id
from aiox.kernel.jid import BareJid, domain, local_part
from aiox.kernel.tool_table import TOOLS
from aiox.kernel.tools import ASK_AGENT, ToolDescription
from aiox.runtime.egress.urls import is_named
from orchestrator.ports import Ports
from orchestrator.proofs import AgentAsked, Delegation, Loaded, Turn
from orchestrator.steps.budgets import worker_ms
from policy.access import Relation
from policy.tools import Call, terms_of
from registry.accounts import find_address
from registry.turns import find_turn

NOT_THERE: Final = "There is no agent with this address that may be asked in this turn."
IN_A_CIRCLE: Final = "This agent is in the chain of questions already. It is not asked again."
TOO_FAR: Final = "The chain of agents that ask one another is as long as this hub allows. Answer now."
NOT_NAMED: Final = "This address is on another hub, which the owner of this agent has not named (allowed_domains)."
DESCRIBED: Final = next(tool for tool in TOOLS if tool.name == ASK_AGENT)
ANY_NUMBER: Final = 1 << 40
"""Tokens of a turn that another hub asks for: it pays none of ours, and our own limits hold."""
TO_ANSWER_S: Final = 3.0
"""What is kept of a turn's time for the answer of the agent that asks."""


@dataclass(frozen=True, slots=True)
class Reached:
    """An agent that may be asked. `same_owner`: what is said to it stays with who owns the agent that asks."""

    agent: AgentId | None
    """None: it is on another hub."""
    address: BareJid
    same_owner: bool


def asked_turn(call: UUID) -> TurnId:
    """The turn of the agent that a call asks; the same at every attempt."""
    return TurnId(derived_id(call, "asked"))


async def reach(ports: Ports, loaded: Loaded, wanted: Call) -> Reached | str:
    """The agent that a call names, or the sentence why it is not asked: one for hidden, forbidden and unknown ones."""
    address = _address(wanted.arguments)
    if not address:
        return NOT_THERE
    if len(loaded.chain) > ports.settings.limits.agent_hops:
        return TOO_FAR
    if domain(address) != ports.settings.agents_domain:
        return _elsewhere(loaded, address)
    asked, turn = agent_id_of(local_part(address)), TurnId(UUID(wanted.call_id))
    found = await find_turn(ports.pool, asked, loaded.turn.message.sender, turn)
    if found.relation is Relation.NONE or found.agent is None or found.owner is None:
        return NOT_THERE
    same_owner = found.owner == loaded.authorised.owner
    if not same_owner and not await _open_to_owner(ports, loaded, found.agent, turn):
        return NOT_THERE
    if found.agent in loaded.chain:
        return IN_A_CIRCLE
    return Reached(found.agent, address, same_owner)


def _elsewhere(loaded: Loaded, address: BareJid) -> Reached | str:
    """An agent of another hub: its owner names the domain, and that hub decides who may ask it."""
    if agent_id_of(local_part(address)) in loaded.chain:
        return IN_A_CIRCLE
    tool = next((one for one in loaded.configured if one.name == ASK_AGENT), None)
    if tool is None:
        return NOT_THERE  # the judge refuses a tool that was not offered
    named = terms_of(tool, DESCRIBED, loaded.version.governance.allowed_domains).allowed_domains
    return Reached(None, address, same_owner=False) if is_named(domain(address), named) else NOT_NAMED


async def _open_to_owner(ports: Ports, loaded: Loaded, asked: AgentId, turn: TurnId) -> bool:
    owner = await find_address(ports.pool, loaded.authorised.owner)
    if owner is None:
        return False
    return (await find_turn(ports.pool, asked, owner, turn)).relation is not Relation.NONE


def _address(arguments: bytes) -> BareJid:
    """Empty for arguments that name none; the judge refuses those."""
    try:
        to = json.loads(arguments)["to"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return BareJid("")
    return BareJid(to.lower()) if isinstance(to, str) else BareJid("")


def described(known: Mapping[str, ToolDescription], other: Reached | str | None) -> Mapping[str, ToolDescription]:
    """The tools as they are for this call: what an agent of the same owner is told does not leave its owner's house,
    and what nobody is told (`other` says why) goes nowhere.
    """
    if other is None or (isinstance(other, Reached) and not other.same_owner):
        return known
    return {**known, ASK_AGENT: replace(known[ASK_AGENT], outward=False)}


def ends_at(ports: Ports, loaded: Loaded) -> float:
    """Until when, in monotonic seconds, what a turn asks of others must be answered."""
    own = ports.clock.monotonic() + worker_ms(loaded, ports.settings.limits.turn_timeout_ms) / 1000
    return (own if loaded.delegation is None else min(own, loaded.delegation.until)) - TO_ANSWER_S


def question(loaded: Loaded, wanted: Call, other: Reached, until: float, tokens: int) -> AgentAsked:
    """What the other agent is asked."""
    message = str(json.loads(wanted.arguments)["message"])
    return AgentAsked(loaded, UUID(wanted.call_id), other.agent, other.address, message, until, tokens)


def from_elsewhere(ports: Ports, turn: Turn) -> Delegation | None:
    """Of a turn in which an agent of another hub asks: what that hub says of the chain, and our own limits."""
    question = turn.message.question
    if question is None:
        return None
    until = ports.clock.monotonic() + question.timeout_ms / 1000
    chain = tuple(AgentId(agent) for agent in question.chain)
    return Delegation(chain, question.call, until, ANY_NUMBER, frozenset(), same_owner=False)


def refused_chain(ports: Ports, loaded: Loaded) -> str:
    """Why a chain that comes from another hub ends here; empty when it does not."""
    if loaded.turn.message.question is None or loaded.delegation is None:
        return ""
    if loaded.version.agent_id in loaded.delegation.chain:
        return IN_A_CIRCLE
    return TOO_FAR if len(loaded.delegation.chain) > ports.settings.limits.agent_hops else ""
