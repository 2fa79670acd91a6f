"""Somebody's reaction to an answer (XEP-0444): put down, and counted for the version that gave it. No answer to it."""

from __future__ import annotations

from uuid import UUID

from aiox.commands import gate
from aiox.kernel.actions import Action
from aiox.kernel.envelope import REACTED
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Answered, Refused, Usage
from aiox.kernel.verdict import Allow, Deny
from orchestrator.ports import Ports
from orchestrator.proofs import Identified, Stopped
from policy.cedar.facts import Facts
from policy.cedar.judge import decide
from policy.reactions import value_of
from registry import reactions
from registry.reactions import SentAnswer

STRANGE = "X0 not-their-answer"


async def react(ports: Ports, identified: Identified) -> Stopped | None:
    """None for anything else. Only who was answered may react, to answers of the last days."""
    turn, found = identified.turn, identified.facts
    message = turn.message
    if turn.envelope.type != REACTED or found.owner is None:
        return None
    channel, proof = turn.envelope.channel, message.proof
    facts = Facts(Action.ANSWER_REACT, found.relation, message.sender, channel=channel, proof=proof)
    decided = decide(facts, await ports.policies.holding(ports.pool, found.owner, ports.clock.monotonic()))
    organisation = await gate.organisation_of(ports.hub, found.owner, facts.action)
    record = gate.decision(ports.clock, decided, found.owner, turn.envelope.correlation_id, organisation)
    if not isinstance(decided.verdict, Allow):
        reason = decided.verdict.reason if isinstance(decided.verdict, Deny) else "This needs an approval."
        no = Refused(gate.code_of(decided.verdict), reason, decided.verdict.rules)
        return Stopped(turn, found.owner, no, record)
    answer = await _answer(ports, message.about)
    if answer is None or (answer.agent, answer.subject) != (found.agent, message.sender):
        no = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], (STRANGE,))
        return Stopped(turn, found.owner, no, record)
    value = value_of(message.body)
    if await reactions.put(ports.pool, answer, value, ports.clock.now()) and value:
        ports.versions.learn(answer.version, value > 0)
    return Stopped(turn, found.owner, Answered("", Usage(0, 0), (), (), (), "", "", 0, 0), record)


async def _answer(ports: Ports, about: str) -> SentAnswer | None:
    """A part of a long answer stands for the whole: its id is the first one's with a number."""
    try:
        stanza_id = UUID(about[:36])
    except ValueError:
        return None
    return await reactions.find_sent(ports.pool, stanza_id)
