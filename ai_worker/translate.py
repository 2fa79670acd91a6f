"""Messages of the wire to words of this room, and back. Owner and agent are the token's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from ai_worker.tools.pin import Pin
from ai_worker.tools.port import AgentAnswer, Allowed, Ended, Given, NotAllowed
from ai_worker.transcript import continued
from ai_worker.words import Exchange, Limits, ModelChoice, Prompt, Task, ToolOffer, Turn
from aiox.kernel.agent import McpServer
from aiox.kernel.outcome import Answered, Failed
from aiox.kernel.tools import Terms, call_id
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb

_DEFAULT_OUTPUT_TOKENS = 4096


def turn_of(asked: pb.TurnAsked, claims: TurnClaims, try_timeout_s: float) -> Turn:
    """The turn that a message asks for. A turn without `memory_config` has the defaults of SPEC 2."""
    memory = asked.memory_config
    timeout_s = asked.timeout_ms / 1000
    return Turn(
        request_id=claims.request,
        owner=claims.owner,
        agent=claims.agent,
        subject=asked.subject_jid,
        prompt=Prompt(
            agent_name=asked.agent_name,
            system_prompt=asked.system_prompt,
            message=asked.message,
            history=tuple(Exchange(turn.user, turn.assistant) for turn in asked.session_context),
            language=asked.language,
            tone=asked.tone,
            format=asked.format,
            answer_schema=json.loads(schema) if (schema := asked.llm_config.response_schema) else None,
            tools=tuple(_offer(tool) for tool in asked.tools),
            task=Task(asked.task),
        ),
        limits=Limits(
            max_total_tokens=asked.max_total_tokens,
            max_output_tokens=asked.llm_config.max_tokens or _DEFAULT_OUTPUT_TOKENS,
            temperature=asked.llm_config.temperature,
            timeout_s=min(try_timeout_s, timeout_s),
        ),
        choices=_choices(asked),
        timeout_s=timeout_s,
        long_term=not asked.HasField("memory_config") or (memory.long_term_enabled and memory.type != "short_term"),
        memory_full=asked.governance.memory_full,
        memory_empty=asked.governance.memory_empty,
        learns=memory.learns,
        held=continued(asked.continuation) if asked.continuation else None,
        attached=tuple(UUID(one) for one in asked.attached),
        traceparent=asked.traceparent,
        correlation_id=asked.correlation_id,
    )


def _offer(tool: pb.ToolOffer) -> ToolOffer:
    is_mcp = tool.worker_type == "mcp"
    return ToolOffer(tool.name, tool.description, json.loads(tool.json_schema), tool.read_only, is_mcp)


def continues(continuation: bytes) -> bool:
    """Whether a continuation can be read; none at all can."""
    try:
        return not continuation or bool(continued(continuation).call.name)
    except ValueError:
        return False


def _choices(asked: pb.TurnAsked) -> tuple[ModelChoice, ...]:
    """The agent's model and its fallbacks, each with the credential of the same provider that came along."""
    config = asked.llm_config
    wanted = [(config.provider, config.model), *((other.provider, other.model) for other in config.fallbacks)]
    return tuple(_choice(asked, provider, model) for provider, model in wanted)


def _choice(asked: pb.TurnAsked, provider: str, model: str) -> ModelChoice:
    for credential in asked.credentials:
        if provider and credential.provider == provider:
            return ModelChoice(provider, model, credential.api_base, credential.api_key)
    return ModelChoice(provider, model)


def tool_asked(
    asked: pb.TurnAsked, index: int, tool: str, arguments: bytes, taint: Sequence[str], tokens_used: int = 0
) -> pb.ToolAsked:
    """A turn's n-th call, with the id that hub and worker derive alike. `tokens_used`: by the turn so far."""
    return pb.ToolAsked(
        request_id=asked.request_id,
        owner_user_id=asked.owner_user_id,
        call_id=str(call_id(UUID(asked.request_id), index)),
        tool_name=tool,
        canonical_arguments=arguments,
        taint=taint,
        tokens_used=tokens_used,
    )


def turn_held(asked: pb.TurnAsked, index: int, transcript: bytes) -> pb.TurnHeld:
    """A turn's n-th call waits, and this is what the turn has done so far."""
    return pb.TurnHeld(
        request_id=asked.request_id,
        owner_user_id=asked.owner_user_id,
        call_id=str(call_id(UUID(asked.request_id), index)),
        continuation=transcript,
    )


def tool_done(asked: pb.TurnAsked, index: int, ended: Ended) -> pb.ToolDone:
    """How a call ended, for the hub."""
    return pb.ToolDone(
        request_id=asked.request_id,
        owner_user_id=asked.owner_user_id,
        call_id=str(call_id(UUID(asked.request_id), index)),
        success=ended.success,
        result_digest=ended.result_digest,
        duration_ms=ended.duration_ms,
        error_code=ended.error_code or "",
        changed=ended.changed,
        files=[pb.ToolFile(name=name, content=content) for name, content in ended.files.items()],
    )


def allowance(answer: pb.ToolAllowed | pb.ToolHeld | pb.ToolRefused) -> Allowed | NotAllowed:
    """The hub's answer about a call."""
    if isinstance(answer, pb.ToolAllowed):
        return Allowed(_given(answer))
    if isinstance(answer, pb.ToolHeld):
        return NotAllowed("It waits for a person's approval, who is told by the hub. Do not call it again.", held=True)
    return NotAllowed(answer.reason)


def _given(answer: pb.ToolAllowed) -> Given:
    """What the hub grants; without terms nothing but the shortest time is."""
    terms, credential = answer.terms, answer.credential
    granted = Terms(
        timeout_ms=max(1, terms.timeout_ms),
        max_bytes=terms.max_bytes,
        allowed_domains=tuple(terms.allowed_domains),
        allowed_tables=tuple(terms.allowed_tables),
    )
    pin = _pin(answer.mcp) if answer.HasField("mcp") else None
    owner = UUID(answer.owner_user_id) if answer.owner_user_id else None
    files = {one.name: one.content for one in answer.files}
    return Given(granted, credential.api_base, credential.api_key, owner, pin, _agent(answer), files)


def _agent(answer: pb.ToolAllowed) -> AgentAnswer | None:
    if not answer.HasField("agent"):
        return None
    return AgentAnswer(answer.agent.text, answer.agent.error_text, answer.agent.tokens)


def _pin(pin: pb.McpPin) -> Pin:
    return Pin(server_of(pin.server), pin.tool, pin.digest)


def server_of(server: pb.McpServer) -> McpServer:
    """An MCP server of an agent, as the hub has checked and stored it."""
    transport: Literal["stdio", "http"] = "http" if server.transport == "http" else "stdio"
    return McpServer.model_construct(
        name=server.name, transport=transport, command=tuple(server.command), url=server.url
    )


def turn_done(request_id: str, owner: UUID, outcome: Answered | Failed) -> pb.TurnDone:
    """How a turn ended, for the hub."""
    done = pb.TurnDone(
        request_id=request_id,
        owner_user_id=str(owner),
        input_tokens=outcome.usage.input_tokens,
        output_tokens=outcome.usage.output_tokens,
        tokens_used=outcome.usage.total,
        latency_ms=outcome.worker_ms,
        model=outcome.model,
        cost_nanousd=outcome.cost_nanousd,
    )
    if isinstance(outcome, Failed):
        done.success = False
        done.error_code = outcome.code
        done.error_text = outcome.reason
        return done
    done.success = True
    done.response = outcome.text
    done.tools_called.extend(outcome.tools_called)
    done.model_ms = outcome.model_ms
    done.recalled_ids.extend(str(one) for one in outcome.recalled)
    for citation in outcome.citations:
        done.citations.add(
            memory_id=str(citation.memory_id),
            document_id=str(citation.document_id or ""),
            title=citation.title,
            section=citation.section,
            distance=citation.distance,
        )
    return done
