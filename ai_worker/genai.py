"""What spans of turns, model calls and tool calls carry: attribute names of OpenTelemetry's conventions for generative
AI, which are still in development, so they stand in this one file. Figures, ids, names of models and tools; no text.
"""

from __future__ import annotations

from uuid import UUID

from ai_worker.words import Limits
from aiox.kernel.outcome import Usage
from aiox.runtime.telemetry import Attributes

FAILED_AS = "error.type"


def of_agent(agent: UUID) -> Attributes:
    """Of a turn as a whole. Not its name: that is the owner's, and traces are the operator's."""
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": str(agent)}


def of_chat(provider: str, model: str, limits: Limits) -> Attributes:
    """Of one try of one model, before it runs."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": limits.max_output_tokens,
        "gen_ai.request.temperature": limits.temperature,
    }


def of_usage(usage: Usage) -> Attributes:
    """Of one try, once it has ended."""
    return {"gen_ai.usage.input_tokens": usage.input_tokens, "gen_ai.usage.output_tokens": usage.output_tokens}


def of_tool(name: str, number: int) -> Attributes:
    """Of one tool call that was let through; `number` is its place in the turn."""
    return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name, "gen_ai.tool.call.id": str(number)}
