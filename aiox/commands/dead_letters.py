"""Turns that were set aside after too many failed attempts: list, look, retry, drop.

An owner acts on their own. The operator at the shell acts in the hub's name on all of them, and reads no texts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId, TurnId, derived_id
from aiox.kernel.outcome import Refused
from aiox.wire.codec import decode
from registry import dead_letters, tenants
from registry.dead_letters import DeadLetter

MOST: Final = 200
NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("T0 unknown",))
DECIDED: Final = Refused(ErrorCode.CONFLICT, "Somebody has decided on this turn already.", ("T1 decided",))

Resubmit = Callable[[Envelope[MessageReceived]], Awaitable[None]]
"""Puts a message on the bus again. Raises when it was not stored."""


class WhichTurn(Fields):
    """One turn."""

    turn_id: TurnId


@dataclass(frozen=True, slots=True)
class Shown:
    """A dead letter, and its text for an owner who wrote it; None for anyone else, and once it was decided on."""

    letter: DeadLetter
    text: str | None


async def list_open(hub: Hub, actor: Actor) -> Sequence[DeadLetter] | Refused:
    """Dead letters that nobody has decided on, newest first, at most MOST."""
    no = await refused(hub, actor, Action.TURN_LIST, actor.owner)
    if no is not None:
        return no
    if actor.owner != HUB_OWNER:
        return await dead_letters.list_of_owner(hub.pool, actor.owner, MOST)
    found = [await _load(hub, owner, turn) for turn, owner in await dead_letters.find_all(hub.pool, MOST)]
    return [stored.letter for stored in found if stored is not None]


async def show(hub: Hub, actor: Actor, fields: WhichTurn) -> Shown | Refused:
    """One dead letter. NOT_FOUND for unknown and foreign ones alike."""
    stored = await _find(hub, actor, Action.TURN_READ, fields.turn_id)
    if isinstance(stored, Refused):
        return stored
    # The owner sees guests' usage and decisions, not their texts (SPEC 3); the operator sees nobody's.
    own_words = actor.owner == stored.letter.owner and actor.jid == stored.letter.sender
    if not own_words or stored.sealed is None:
        return Shown(stored.letter, None)
    return Shown(stored.letter, (await _open(hub, stored)).payload.body)


async def retry(hub: Hub, actor: Actor, fields: WhichTurn, resubmit: Resubmit) -> DeadLetter | Refused:
    """Puts the message on the bus again, as a turn of its own that is answered once however often this is repeated."""
    stored = await _find(hub, actor, Action.TURN_RETRY, fields.turn_id)
    if isinstance(stored, Refused):
        return stored
    if stored.sealed is None:
        return DECIDED
    envelope = await _open(hub, stored)
    again = replace(envelope.payload, turn_id=TurnId(derived_id(stored.letter.turn, "retry")))
    await resubmit(replace(envelope, payload=again, causation_id=envelope.id, occurred_at=hub.clock.now()))
    return await _close(hub, stored.letter, dead_letters.RETRIED)


async def drop(hub: Hub, actor: Actor, fields: WhichTurn) -> DeadLetter | Refused:
    """Gives the message up and lets its text go."""
    stored = await _find(hub, actor, Action.TURN_DROP, fields.turn_id)
    if isinstance(stored, Refused):
        return stored
    return await _close(hub, stored.letter, dead_letters.DROPPED)


@dataclass(frozen=True, slots=True)
class _Stored:
    letter: DeadLetter
    sealed: bytes | None


async def _find(hub: Hub, actor: Actor, action: Action, turn: TurnId) -> _Stored | Refused:
    owner: OwnerId | None = actor.owner
    if actor.owner == HUB_OWNER:
        owner = next((one for known, one in await dead_letters.find_all(hub.pool, MOST) if known == turn), None)
    stored = None if owner is None else await _load(hub, owner, turn)
    no = await refused(hub, actor, action, None if stored is None else actor.owner)
    if no is not None or stored is None:
        return NOT_HERE
    return stored


async def _load(hub: Hub, owner: OwnerId, turn: TurnId) -> _Stored | None:
    found = await dead_letters.load(hub.pool, owner, turn)
    return None if found is None else _Stored(*found)


async def _open(hub: Hub, stored: _Stored) -> Envelope[MessageReceived]:
    letter = stored.letter
    ring = await tenants.load_ring(hub.pool, hub.keys, letter.owner)
    event = decode(ring.open(stored.sealed or b"", dead_letters.place(letter.owner, letter.turn)))
    if not isinstance(event.payload, MessageReceived):
        raise TypeError(f"a dead letter holds {event.type}")
    return replace(event, payload=event.payload)  # type: ignore[return-value]  # the check above is on the payload


async def _close(hub: Hub, letter: DeadLetter, how: str) -> DeadLetter | Refused:
    closed = await dead_letters.close(hub.pool, letter.owner, letter.turn, how, hub.clock.now())
    return replace(letter, closed_as=how) if closed else DECIDED
