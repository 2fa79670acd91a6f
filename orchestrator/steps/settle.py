"""Step 12 and half of 14: short-term memory and the quota counters, in one call to Redis.

Before the commit: a crash in between counts tokens twice in Redis until its window ends, and never too few. PostgreSQL
gets the figure in the commit and is the truth.
"""

from __future__ import annotations

from aiox.kernel.outcome import Answered
from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Dispatched
from registry.quotas import QuotaUnavailable
from registry.short_term import PastTurn, seal_entry


async def settle(ports: Ports, ended: Accepted) -> None:
    """Books what was used and remembers what was said. A turn that never reserved has nothing to settle."""
    if not isinstance(ended, Dispatched):
        return
    turn, message = ended.turn, ended.turn.message
    with ports.telemetry.span(Step.SHORT_TERM, turn.envelope.traceparent, turn.attributes):
        entry = b""
        if isinstance(ended.outcome, Answered) and ended.loaded.delegation is None:
            past = PastTurn(message.body, ended.outcome.text, _is_clean(ended, ended.outcome))
            entry = seal_entry(ended.loaded.ring, ended.owner, message.agent_id, message.sender, message.turn_id, past)
        used = ended.tokens
        try:
            await ports.quotas.settle(ended.assigned.reserved.conversation, message.turn_id, used, entry)
        except QuotaUnavailable as gone:
            ports.log.error("settlement_late", turn_id=str(message.turn_id), tokens=used, error=str(gone))


def _is_clean(ended: Dispatched, answer: Answered) -> bool:
    """Whether nothing that anybody else wrote can speak out of this turn's words (policy/taint.py)."""
    return (
        not answer.tools_called and not answer.recalled and all(past.clean for past in ended.assigned.reserved.history)
    )
