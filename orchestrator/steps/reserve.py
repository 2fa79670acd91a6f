"""The rest of step 5: tokens are set aside before a model runs, and the conversation so far is read (one call)."""

from __future__ import annotations

from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Refused
from aiox.kernel.units import estimate_tokens
from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded, Reserved, Stopped
from policy.quota import Exceeded, refusal
from registry.quotas import Conversation, Limit, QuotaUnavailable
from registry.short_term import open_entry

_DAY_S = 86_400
_MINUTE_S = 60


async def reserve(ports: Ports, loaded: Loaded) -> Reserved | Stopped:
    """Counts the input high, caps the output to the tightest window; refuses when the input alone does not fit."""
    turn, authorised = loaded.turn, loaded.authorised
    message = turn.message
    conversation = Conversation(
        authorised.owner, message.agent_id, message.sender, loaded.version.memory_config.short_term_limit
    )
    with ports.telemetry.span(Step.RESERVED, turn.envelope.traceparent, turn.attributes):
        try:
            found = await ports.quotas.reserve(
                conversation,
                message.turn_id,
                estimate_tokens(loaded.system_prompt) + estimate_tokens(message.body),
                loaded.version.llm_config.max_tokens,
                min(authorised.quota.max_concurrent, loaded.version.governance.max_concurrent),
                _limits(loaded),
                round(ports.clock.now().timestamp() * 1000),
                2 * ports.settings.limits.turn_timeout_ms,
            )
        except QuotaUnavailable as gone:
            ports.log.error("quota_unavailable", error=str(gone))
            return _stopped(
                loaded, ErrorCode.QUOTA_UNAVAILABLE, SENTENCES[ErrorCode.QUOTA_UNAVAILABLE], "Q0 no-counter"
            )
    if isinstance(found, Exceeded):
        return _stopped(loaded, ErrorCode.QUOTA_EXCEEDED, refusal(found), f"Q1 {found.window}")
    history = tuple(
        open_entry(loaded.ring, authorised.owner, message.agent_id, message.sender, entry) for entry in found.entries
    )
    return Reserved(loaded, conversation, found.reservation, history)


def _limits(loaded: Loaded) -> list[Limit]:
    quota, governance = loaded.authorised.quota, loaded.version.governance
    owner, agent = loaded.authorised.owner, loaded.version.agent_id
    return [
        Limit("account, per minute", owner, quota.tokens_per_minute, _MINUTE_S),
        Limit("account, per day", owner, quota.tokens_per_day, _DAY_S),
        Limit("agent, per minute", agent, governance.max_tokens_per_minute, _MINUTE_S),
        Limit("agent, per day", agent, governance.max_tokens_per_day, _DAY_S),
    ]


def _stopped(loaded: Loaded, code: ErrorCode, reason: str, rule: str) -> Stopped:
    authorised = loaded.authorised
    return Stopped(loaded.turn, authorised.owner, Refused(code, reason, (rule,)), authorised.decision)
