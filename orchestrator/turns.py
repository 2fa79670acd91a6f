"""One delivered turn, from the lane to the acknowledgement. The boundary where a turn's failure ends."""

from __future__ import annotations

import asyncio

from nats.errors import Error as NatsError

from aiox.commands import gate
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Failed, Usage
from aiox.kernel.verdict import Allow
from aiox.runtime.logs import describe
from orchestrator.intake import Delivery
from orchestrator.pipeline import accept, conclude
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Repeated, Stopped, Turn
from registry.turns import AlreadyConcluded, LeaseLost

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0


async def handle(ports: Ports, delivery: Delivery) -> None:
    """Accepts, concludes and acknowledges, last. A lost lease leaves the message to the new owner."""
    turn = delivery.turn
    ended = await _accept(ports, turn)
    if isinstance(ended, Repeated) or await _conclude(ports, ended):
        try:
            await delivery.message.ack()
        except NatsError as gone:
            ports.log.warning("ack_not_sent", turn_id=str(turn.message.turn_id), error=repr(gone))


async def _accept(ports: Ports, turn: Turn) -> Accepted | Repeated:
    pause = _FIRST_PAUSE_S
    for attempt in range(1, ports.settings.limits.attempts + 1):
        try:
            return await accept(ports, turn)
        except Exception as broken:  # noqa: BLE001 -- counted and tried again; neighbours go on
            ports.log.error("turn_failed", turn_id=str(turn.message.turn_id), attempt=attempt, error=describe(broken))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)
    return _given_up(ports, turn)


async def _conclude(ports: Ports, ended: Accepted) -> bool:
    """Tries until it is written or belongs to somebody else: what a model answered is not thrown away."""
    pause = _FIRST_PAUSE_S
    while True:
        try:
            await conclude(ports, ended)
        except AlreadyConcluded:
            return True
        except LeaseLost:
            ports.log.warning("lease_lost", turn_id=str(ended.turn.message.turn_id))
            return False
        except Exception as broken:  # noqa: BLE001 -- counted and tried again; neighbours go on
            ports.log.error("conclude_failed", turn_id=str(ended.turn.message.turn_id), error=describe(broken))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        else:
            return True


def _given_up(ports: Ports, turn: Turn) -> Stopped:
    """After the last attempt the sender gets one error with an id; the lane goes on."""
    correlation_id = turn.envelope.correlation_id
    reason = f"{SENTENCES[ErrorCode.INTERNAL]} (id {correlation_id})"
    decision = gate.decision(
        ports.clock, Allow(("turn.given_up",)), Action.AGENT_INVOKE, None, turn.message.sender, correlation_id
    )
    ports.log.error("turn_given_up", turn_id=str(turn.message.turn_id), correlation_id=str(correlation_id))
    return Stopped(turn, HUB_OWNER, Failed(ErrorCode.INTERNAL, reason, Usage(0, 0)), decision)
