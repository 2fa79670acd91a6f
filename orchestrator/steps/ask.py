"""What a worker is asked: a turn in the wire's words."""

from __future__ import annotations

from typing import Final

from aiox.kernel.agent import LlmConfig
from aiox.kernel.canonical import canonical
from aiox.kernel.tools import ToolDescription
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.credentials import Granted
from orchestrator.ports import Ports
from orchestrator.proofs import Assigned, Loaded
from orchestrator.steps.budgets import worker_ms
from orchestrator.steps.held_call import continuation

BY_AN_AGENT: Final = "\nThis message was written by another agent, a program, not by a person."


def turn_asked(ports: Ports, assigned: Assigned, granted: Granted) -> pb.TurnAsked:
    """The whole request but its token, which the link adds for the worker it goes to."""
    reserved, loaded = assigned.reserved, assigned.reserved.loaded
    turn, version, known = loaded.turn, loaded.version, loaded.known(ports.known_tools)
    return pb.TurnAsked(
        request_id=str(turn.message.turn_id),
        owner_user_id=str(loaded.authorised.owner),
        agent_id=str(version.agent_id),
        subject_jid="" if loaded.delegation else turn.message.sender,  # an agent meets nobody's memories
        agent_version_id=str(version.id),
        agent_name=version.name,
        system_prompt=_prompt(loaded),
        message=turn.message.body,
        session_context=[pb.ContextTurn(user=past.user, assistant=past.assistant) for past in reserved.history],
        tools=[_offer(known[name]) for name in loaded.tools.names],
        llm_config=_llm_config(granted.config, turn.message.response_schema),
        memory_config=pb.MemoryConfig(
            type=version.memory_config.type,
            short_term_limit=version.memory_config.short_term_limit,
            long_term_enabled=version.memory_config.long_term_enabled,
            embedding_model=version.memory_config.embedding_model,
            retention_days=version.memory_config.retention_days,
            learns=version.memory_config.learns,
        ),
        governance=pb.Governance(
            policy_hash=version.policy_hash,
            allowed_domains=version.governance.allowed_domains,
            max_worker_ms=worker_ms(loaded, ports.settings.limits.turn_timeout_ms),
            memory_full=loaded.storage.full,
            memory_empty=loaded.storage.agent_bytes == 0 and not loaded.attached,
        ),
        timeout_ms=_time_left(ports, loaded),
        max_total_tokens=reserved.reservation.tokens,
        credentials=granted.credentials,
        correlation_id=str(turn.envelope.correlation_id),
        continuation=continuation(loaded),
        traceparent=turn.envelope.traceparent,
        language=loaded.preferences.language,
        tone=loaded.preferences.tone,
        format=loaded.preferences.format,
        live=loaded.delegation is None and ports.live.wants(turn),
        task=loaded.task,
        hops=_hops(loaded),
        attached=[str(one) for one in loaded.attached],
        asked_at_us=round(ports.clock.now().timestamp() * 1_000_000),
    )


def _hops(loaded: Loaded) -> int:
    """How many turns here wait for this one: their places are lent to it. Who asks from another hub holds none here."""
    return 0 if loaded.delegation is None or loaded.turn.message.question is not None else len(loaded.chain) - 1


def _time_left(ports: Ports, loaded: Loaded) -> int:
    """Milliseconds for the turn: of one that an agent asks, no more than are left to who asks it."""
    own = worker_ms(loaded, ports.settings.limits.turn_timeout_ms)
    if loaded.delegation is None:
        return own
    return min(own, max(1, round((loaded.delegation.until - ports.clock.monotonic()) * 1000)))


def _offer(tool: ToolDescription) -> pb.ToolOffer:
    return pb.ToolOffer(
        name=tool.name,
        description=tool.description,
        json_schema=canonical(dict(tool.schema)).decode(),
        worker_type=tool.worker_type,
        read_only=tool.read_only,
    )


def _prompt(loaded: Loaded) -> str:
    traits = f"\nPersonality: {', '.join(loaded.version.traits)}." if loaded.version.traits else ""
    return loaded.system_prompt + traits + (BY_AN_AGENT if loaded.delegation else "")


def _llm_config(own: LlmConfig, wanted_form: str) -> pb.LlmConfig:
    """`wanted_form`: what this message asks for; it stands in place of what the agent promises."""
    promised = "" if own.response_schema is None else canonical(own.response_schema).decode()
    return pb.LlmConfig(
        provider=own.provider,
        model=own.model,
        temperature=own.temperature,
        max_tokens=own.max_tokens,
        worker_pool=own.worker_pool,
        fallbacks=[pb.Fallback(provider=other.provider, model=other.model) for other in own.fallbacks],
        response_schema=wanted_form or promised,
    )
