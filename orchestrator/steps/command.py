"""A message that is a command (SPEC 9): judged, done by the hub, answered. No quota, no worker, no model."""

from __future__ import annotations

from typing import Final

from aiox.commands import gate
from aiox.commands.chat import COMMANDS, RESET, UNKNOWN, UNKNOWN_NAME
from aiox.commands.chat_command import Asker, ChatCommand, Said, parse
from aiox.commands.chat_desk import NEEDS_ACCOUNT
from aiox.commands.hub import Actor
from aiox.commands.resume import RESUMED
from aiox.kernel.command import CommandAsked
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId, derived_id
from aiox.kernel.outcome import Answered, Refused, Usage
from aiox.kernel.verdict import Allow, Deny
from aiox.runtime.desk import DeskAbsent
from orchestrator.ports import Ports
from orchestrator.proofs import Identified, Stopped
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import Decision, decide
from registry import approvals

BUSY: Final = Refused(ErrorCode.HUB_BUSY, SENTENCES[ErrorCode.HUB_BUSY], ("C6 desk",))


async def command(ports: Ports, identified: Identified) -> Stopped | None:
    """None for a message to the agent, and for a stranger's: that is refused like any other message of theirs."""
    turn, found = identified.turn, identified.facts
    said = parse(turn.message.body)
    by_an_agent = turn.message.question is not None  # a model's words are no command
    if said is None or by_an_agent or turn.envelope.type == RESUMED or found.owner is None:
        return None
    decided = await judged(ports, identified, COMMANDS.get(said.name, UNKNOWN))
    if decided is None:
        return None
    organisation = await gate.organisation_of(ports.hub, found.owner, decided.facts.action)
    record = gate.decision(ports.clock, decided, found.owner, turn.envelope.correlation_id, organisation)
    if not isinstance(decided.verdict, Allow):
        reason = decided.verdict.reason if isinstance(decided.verdict, Deny) else "This needs an approval."
        code = gate.code_of(decided.verdict)
        return Stopped(turn, found.owner, Refused(code, reason, decided.verdict.rules), record)
    text = await _answered(ports, identified, found.owner, said)
    return Stopped(turn, found.owner, Answered(text, Usage(0, 0), (), (), (), "", "", 0, 0), record)


async def judged(ports: Ports, identified: Identified, wanted: ChatCommand) -> Decision | None:
    """The judge's word on a command; None for a stranger's."""
    turn, found = identified.turn, identified.facts
    relation = found.relation
    if relation is Relation.NONE:
        if not wanted.strangers or not await _may_decide_here(ports, identified):
            return None
        relation = Relation.GRANTED
    message, channel = turn.message, turn.envelope.channel
    facts = Facts(wanted.action, relation, message.sender, channel=channel, proof=message.proof)
    policies = await ports.policies.holding(ports.pool, found.owner, ports.clock.monotonic())
    return decide(facts, policies)


async def _answered(ports: Ports, identified: Identified, owner: OwnerId, said: Said) -> str:
    message, facts = identified.turn.message, identified.facts
    person = await approvals.find_person(ports.pool, message.sender, owner)
    # A guest without an account acts under an id of their own, which owns nothing.
    account = OwnerId(person.account or derived_id(HUB_OWNER, f"guest:{message.sender}"))
    asker = Asker(
        actor=Actor(account, message.sender, proof=message.proof),
        agent=facts.agent or message.agent_id,
        owner=owner,
        quota=facts.quota,
        resubmit=ports.resubmit,
        relation=facts.relation,
        guest=person.account is None,
    )
    done = await _done(ports, identified, asker, said)
    return done.reason if isinstance(done, Refused) else done


async def _done(ports: Ports, identified: Identified, asker: Asker, said: Said) -> str | Refused:
    wanted, message = COMMANDS.get(said.name), identified.turn.message
    if wanted is None:
        return await UNKNOWN.answer(ports.hub, asker, {UNKNOWN_NAME: said.name})
    if wanted.account and asker.guest:
        return NEEDS_ACCOUNT
    if wanted.desk:
        # This process's role may not change agents: the gateway does it, under the turn's id once.
        asked = CommandAsked(
            message.sender_full, message.agent_jid, said.name, said.rest, {}, True, str(message.turn_id)
        )
        try:
            return (await ports.desk(asked)).text
        except DeskAbsent:
            return BUSY
    done = await wanted.answer(ports.hub, asker, wanted.read(said.rest))
    if said.name == RESET:
        await ports.start_afresh(asker.owner, asker.agent, [message.sender])
    return done


async def _may_decide_here(ports: Ports, identified: Identified) -> bool:
    """Whether an approval of this agent's owner waits for the sender, who may otherwise not talk to the agent."""
    found = await approvals.find_for(ports.pool, identified.turn.message.sender, 100)
    return any(owner == identified.facts.owner for _, owner in found)
