"""Dead letters: a turn that failed too often leaves its lane; its sender and the agent's owner are told (SPEC 4)."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId, derived_id
from aiox.kernel.outcome import Failed, Usage
from aiox.wire.codec import encode
from orchestrator.ports import Ports
from orchestrator.proofs import Stopped, Turn
from policy.ledger import Record
from registry import dead_letters
from registry.accounts import find_address
from registry.dead_letters import DeadLetter
from registry.turns import find_turn

BURIED: Final = Counter("aiox_dead_letters_total", "Turns that failed as often as they may, and were set aside")


async def bury(ports: Ports, turn: Turn, attempts: int, reason: str) -> Stopped:
    """Stores the letter, encrypted for its owner, and ends the turn with one error that carries an id."""
    asked, correlation_id = turn.message, turn.envelope.correlation_id
    facts = await find_turn(ports.pool, asked.agent_id, asked.sender, asked.turn_id)
    message = turn.with_agent(facts.agent).message
    owner = facts.owner or HUB_OWNER
    letter = DeadLetter(
        turn=message.turn_id,
        owner=owner,
        agent=message.agent_id,
        sender=message.sender,
        reason=reason,
        attempts=attempts,
        correlation_id=correlation_id,
        created_at=ports.clock.now(),
        closed_as="",
    )
    await dead_letters.bury(ports.pool, letter, await _sealed(ports, turn, facts.owner))
    BURIED.inc()
    ports.log.error("dead_letter", turn_id=str(message.turn_id), correlation_id=str(correlation_id), attempts=attempts)
    address = None if facts.owner is None else await find_address(ports.pool, facts.owner)
    return Stopped(
        turn,
        owner,
        Failed(ErrorCode.INTERNAL, f"{SENTENCES[ErrorCode.INTERNAL]} (id {correlation_id})", Usage(0, 0)),
        _record(ports, letter),
        alert_to=address if address != message.sender else None,
    )


async def _sealed(ports: Ports, turn: Turn, owner: OwnerId | None) -> bytes | None:
    if owner is None:
        return None
    ring = await ports.versions.ring(owner)
    return dead_letters.seal(ring, owner, turn.message.turn_id, encode(turn.envelope))


def _record(ports: Ports, letter: DeadLetter) -> Record:
    return Record(
        id=derived_id(letter.turn, "turn.dead_letter"),
        owner=letter.owner,
        event_type="turn.dead_letter",
        severity="error",
        details={"turn_id": str(letter.turn), "agent_id": str(letter.agent), "attempts": letter.attempts},
        created_at=ports.clock.now(),
        actor=letter.sender,
        correlation_id=letter.correlation_id,
        request_id=letter.turn,
    )
