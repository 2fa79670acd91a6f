"""Takes an answer back: who got it over XMPP is told, and its text is gone from what the hub shows and remembers.

What a person's client and archive still hold is theirs: clients that know retractions show the answer no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.commands import gate
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.notices import retraction
from aiox.commands.recording import happened
from aiox.commands.refusal import hidden, refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from policy.access import Relation
from registry import executions, outbox, reactions, rooms
from registry.reactions import SentAnswer

ACTION: Final = Action.TURN_RETRACT
EVENT: Final = "answer.retracted"
PART_BYTES: Final = 32 * 1024
"""A part of an answer is at least so long; that there are fewer parts than are taken back is no harm."""
_UNKNOWN: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("A0 unknown",))
_GONE: Final = Refused(ErrorCode.CONFLICT, "This answer was taken back before.", ("A1 retracted",))


class RetractAnswer(Fields):
    """The answer of a turn, by its execution."""

    execution_id: UUID


@dataclass(frozen=True, slots=True)
class Retracted:
    """`told`: whether who got the answer is told; not one that was asked for over HTTP, or went out over a week ago."""

    execution_id: UUID
    told: bool


async def run(hub: Hub, actor: Actor, fields: RetractAnswer) -> Retracted | Refused:
    """For the agent's owner, and for a hub admin. NOT_FOUND for what is unknown or foreign; CONFLICT for one that was
    taken back before.
    """
    answer = await reactions.find_executed(hub.pool, fields.execution_id)
    owns = answer is not None and answer.owner == actor.owner
    relation = Relation.OWNER if owns else relation_to_hub(actor)
    verdict = await gate.authorise_related(hub, actor, ACTION, relation, None if answer is None else answer.owner)
    no = hidden(refusal_of(verdict))
    if no is not None or answer is None:
        return no or _UNKNOWN
    parts = await executions.answer_bytes(hub.pool, answer.owner, answer.execution) // PART_BYTES + 1
    if not await reactions.take_back(hub.pool, answer):
        return _GONE
    told = answer.stanza_id is not None
    if answer.stanza_id is not None:
        await _tell(hub, answer, answer.stanza_id, parts)
    await happened(hub, actor, EVENT, "warning", about=answer.owner, execution_id=str(answer.execution), told=told)
    return Retracted(answer.execution, told)


async def _tell(hub: Hub, answer: SentAnswer, stanza_id: UUID, parts: int) -> None:
    known = await rooms.of_agent(hub.pool, answer.owner, answer.agent)
    in_room = any(one.jid == answer.subject for one in known)
    row = retraction(answer.owner, stanza_id, answer.address, answer.subject, parts, hub.clock.now(), in_room=in_room)
    async with owner_scope(hub.pool, answer.owner) as connection:
        await outbox.put(connection, [row])
