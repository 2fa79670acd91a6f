"""Rooms (XEP-0045): an invitation is accepted where the agent's owner wants it there, and `leave` ends it."""

from __future__ import annotations

from typing import Final

from aiox.commands import gate
from aiox.commands.chat_command import parse
from aiox.kernel.actions import Action
from aiox.kernel.agent import Visibility
from aiox.kernel.envelope import INVITED
from aiox.kernel.ids import OwnerId, VersionId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Answered, Refused, Usage
from aiox.kernel.verdict import Allow, Deny
from orchestrator.ports import Ports
from orchestrator.proofs import Identified, Stopped
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import Decision, decide
from policy.ledger import Record
from registry import rooms
from registry.turns import find_turn

GROUPCHAT: Final = "groupchat"
IN_ROOMS: Final = frozenset({"help", "why", "quota", "cancel"})
"""Commands that may be said in a room: the others speak of one person, and the room is many."""
PRIVATE: Final = (
    "I am a private agent, and a room is other people. Share me first: publish me with visibility `shared`, then invite"
    " me again."
)
NOT_HERE: Final = "Write that to me directly: in a room I take no commands but /help, /why, /quota and /cancel."
LEAVE: Final = frozenset({"leave", "/leave"})


async def room(ports: Ports, identified: Identified) -> Stopped | None:
    """None for a message to be answered. Invitations of strangers, and of the owner's enemies, are refused alike."""
    turn = identified.turn
    if turn.envelope.type == INVITED:
        return await _invited(ports, identified)
    if turn.message.stanza_type != GROUPCHAT:
        return None
    if _words(turn.message.body) in LEAVE:
        return await _told_to_leave(ports, identified)
    said = parse(turn.message.body)
    if said is None or said.name in IN_ROOMS or identified.facts.relation is Relation.NONE:
        return None
    decided, record = await _judged(ports, identified, Action.CHAT_HELP, identified.facts.relation)
    return _stopped(identified, decided, record) or _answered(identified, NOT_HERE, record)


async def _invited(ports: Ports, identified: Identified) -> Stopped | None:
    found, message = identified.facts, identified.turn.message
    if found.owner is None:
        return None
    its = await find_turn(ports.pool, message.agent_id, BareJid(message.about), message.turn_id)
    let_in = its.relation is Relation.GRANTED
    relation = found.relation if found.relation is Relation.OWNER else Relation.GRANTED if let_in else Relation.NONE
    decided, record = await _judged(ports, identified, Action.ROOM_JOIN, relation)
    if (no := _stopped(identified, decided, record)) is not None:
        return no
    agent, version_id = found.agent or its.agent, found.version_id or its.version_id
    if agent is None or version_id is None:
        return None
    version = (await ports.versions.open(found.owner, VersionId(version_id))).version
    if version.visibility is Visibility.PRIVATE:
        return _answered(identified, PRIVATE, record)
    nick = " ".join(version.name.split())[:40]
    room_jid = BareJid(message.about)
    if not await rooms.join(ports.pool, found.owner, agent, room_jid, nick, ports.clock.now()):
        return _answered(identified, f"I am in {rooms.MOST} rooms, which is all I may be in.", record)
    words = f"I come to {room_jid} as {nick}. There I answer who begins with my name; '{nick}: leave' sends me away."
    return _answered(identified, words, record)


async def _told_to_leave(ports: Ports, identified: Identified) -> Stopped | None:
    found, message = identified.facts, identified.turn.message
    if found.owner is None or found.agent is None:
        return None
    decided, record = await _judged(ports, identified, Action.ROOM_LEAVE, found.relation)
    if (no := _stopped(identified, decided, record)) is not None:
        return no
    await rooms.leave(ports.pool, found.owner, found.agent, message.sender)
    return _answered(identified, "Goodbye.", record)


def _words(body: str) -> str:
    return body.rpartition(": ")[2].strip(" .!").casefold()


async def _judged(ports: Ports, identified: Identified, action: Action, relation: Relation) -> tuple[Decision, Record]:
    turn, owner = identified.turn, identified.facts.owner
    message, channel = turn.message, turn.envelope.channel
    facts = Facts(action, relation, message.sender, channel=channel, proof=message.proof)
    decided = decide(facts, await ports.policies.holding(ports.pool, owner, ports.clock.monotonic()))
    organisation = await gate.organisation_of(ports.hub, owner, action)
    return decided, gate.decision(ports.clock, decided, owner, turn.envelope.correlation_id, organisation)


def _stopped(identified: Identified, decided: Decision, record: Record) -> Stopped | None:
    verdict = decided.verdict
    if isinstance(verdict, Allow):
        return None
    reason = verdict.reason if isinstance(verdict, Deny) else "This needs an approval."
    return _ended(identified, Refused(gate.code_of(verdict), reason, verdict.rules), record)


def _answered(identified: Identified, words: str, record: Record) -> Stopped:
    return _ended(identified, Answered(words, Usage(0, 0), (), (), (), "", "", 0, 0), record)


def _ended(identified: Identified, outcome: Answered | Refused, record: Record) -> Stopped:
    owner: OwnerId | None = identified.facts.owner
    if owner is None:
        raise ValueError("judged without an owner")
    return Stopped(identified.turn, owner, outcome, record)
