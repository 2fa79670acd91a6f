"""How a turn ended, for who asked over HTTP: sealed with their own key, written in the commit that concludes it."""

from __future__ import annotations

from datetime import datetime

from aiox.kernel.envelope import HTTP
from aiox.kernel.outcome import Answered
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Dispatched
from registry.asked import ANSWERED, AskedEnd, seal_answer


async def asked_ends(ports: Ports, ended: Accepted, now: datetime) -> tuple[AskedEnd, ...]:
    """Nothing for a turn that came by another door. Raises TenantKeyMissing, or what PostgreSQL raised."""
    envelope, outcome = ended.turn.envelope, ended.outcome
    if envelope.channel != HTTP or envelope.tenant is None:
        return ()
    sealed = None
    if isinstance(outcome, Answered):
        ring = await ports.versions.ring(envelope.tenant)
        sealed = seal_answer(ring, envelope.tenant, envelope.correlation_id, outcome)
    return (
        AskedEnd(
            correlation_id=envelope.correlation_id,
            sender=ended.turn.message.sender,
            outcome=ANSWERED if isinstance(outcome, Answered) else str(outcome.code),
            reason="" if isinstance(outcome, Answered) else outcome.reason,
            sealed=sealed,
            tokens_used=ended.tokens if isinstance(ended, Dispatched) else 0,
            ended_at=now,
        ),
    )
