"""A turn that called tools and did not come to its end: nothing is run again, and the person is told what is known.

An agent that was asked in it is given up with it, and so are the agents that this one asked: what they had begun, and
nobody said the end of, is unknown too, whoever owns them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiox.commands import gate
from aiox.kernel.outcome import Answered, Failed, Usage
from aiox.kernel.tools import ASK_AGENT
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded, Stopped
from orchestrator.steps.asking import asked_turn
from orchestrator.steps.call_record import call_record, left_record
from registry import tool_calls
from registry.quotas import Conversation, QuotaUnavailable
from registry.short_term import PastTurn, seal_entry
from registry.tool_calls import CallState, StoredCall

UNKNOWN: Final = "unknown: it may or may not have had its effect"


async def unfinished_calls(ports: Ports, loaded: Loaded) -> Stopped | None:
    """Before tokens are reserved: a turn that called tools in an attempt before is concluded, nothing is run again."""
    authorised, message = loaded.authorised, loaded.turn.message
    if not authorised.called:
        return None
    answer = await explain_calls(ports, loaded)
    conversation = Conversation(
        authorised.owner, message.agent_id, message.sender, loaded.version.memory_config.short_term_limit
    )
    past = PastTurn(message.body, answer.text)
    entry = seal_entry(loaded.ring, authorised.owner, message.agent_id, message.sender, message.turn_id, past)
    try:
        await ports.quotas.release(conversation, message.turn_id, entry)
    except QuotaUnavailable as gone:
        ports.log.error("settlement_late", turn_id=str(message.turn_id), error=str(gone))
    return Stopped(loaded.turn, authorised.owner, answer, authorised.decision)


async def explain_calls(ports: Ports, loaded: Loaded, because: Failed | None = None) -> Answered:
    """Marks what nobody knows the end of as unknown, and says to the person what is known of each call."""
    owner, turn_id = loaded.authorised.owner, loaded.turn.message.turn_id
    below: list[str] = []
    for call in await tool_calls.list_of_turn(ports.pool, owner, turn_id):
        if call.state is CallState.STARTED:
            unknown = StoredCall(call.id, call.tool, CallState.UNKNOWN)
            await tool_calls.end(ports.pool, call.id, CallState.UNKNOWN, call_record(ports, loaded, unknown, {}))
            ports.log.warning("tool_outcome_unknown", turn_id=str(turn_id), tool=call.tool)
        if call.tool == ASK_AGENT and call.state in (CallState.STARTED, CallState.UNKNOWN):
            below += await give_up(ports, loaded, call.id)
    calls = await tool_calls.list_of_turn(ports.pool, owner, turn_id)
    return Answered(
        text=explanation(calls, because.reason if because else "", below),
        usage=because.usage if because else Usage(0, 0),
        citations=(),
        tools_called=tuple(call.tool for call in calls),
        recalled=(),
        model=because.model if because else "",
        worker_id=because.worker_id if because else "",
        worker_ms=because.worker_ms if because else 0,
        model_ms=0,
        cost_nanousd=because.cost_nanousd if because else None,
    )


async def give_up(ports: Ports, loaded: Loaded, asked_by: UUID) -> list[str]:
    """Marks as unknown what the agent had begun that a call has asked, and those that it asked; the tools, by name."""
    tools: list[str] = []
    for left in await tool_calls.list_left(ports.pool, asked_turn(asked_by)):
        organisation = await gate.organisation_of(ports.hub, left.owner, "tool.done")
        record = left_record(ports, loaded.turn, left, organisation)
        if await tool_calls.end(ports.pool, left.id, CallState.UNKNOWN, record):
            ports.log.warning("tool_outcome_unknown", turn_id=str(left.turn), tool=left.tool)
        tools.append(left.tool)
        if left.tool == ASK_AGENT:
            tools += await give_up(ports, loaded, left.id)
    return tools


def explanation(calls: Sequence[StoredCall], because: str = "", below: Sequence[str] = ()) -> str:
    """What a person reads when a turn ended early with tools called; `below`: by agents that were asked in it."""
    known = {
        CallState.DONE: "was run and had its effect",
        CallState.FAILED: "was run and failed; a part of its effect may be there",
    }
    lines = [f"- {call.tool}: {known.get(call.state, UNKNOWN)}" for call in calls]
    lines += [f"- {tool}, by an agent that was asked: {UNKNOWN}" for tool in below]
    return "\n".join(
        [
            f"I was interrupted while I worked on this{f' ({because})' if because else ''}, after these tools:",
            *lines,
            "Nothing was repeated. Please check what is there and tell me what to do: run it again, or leave it.",
        ]
    )
