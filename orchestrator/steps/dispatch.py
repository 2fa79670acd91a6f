"""Steps 9 to 11: to the least-loaded healthy worker over gRPC, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Answered, Citation, Failed, Usage
from aiox.runtime.logs import describe
from aiox.runtime.steps import Step
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.cancelling import TurnCancelled
from orchestrator.credentials import Granted
from orchestrator.ports import Ports
from orchestrator.proofs import Assigned, Dispatched
from orchestrator.steps.ask import turn_asked
from orchestrator.steps.interrupted import explain_calls
from orchestrator.steps.tool_call import TurnDesk, with_held
from orchestrator.workers.pool import NoWorker
from orchestrator.workers.queue import Claim
from policy.scoring import order_key
from policy.workers import HIGH_PRIORITY

LAST_WORD_S: Final = 2.0
"""How long the worker of a cancelled turn is given to say what it has cost."""


async def dispatch(ports: Ports, assigned: Assigned) -> Dispatched:
    """Waits for a free place in the order of the scores; a worker that dies meanwhile is replaced by another.

    Not once a tool was let through: then the person is told what is known of it (steps/interrupted.py). Whoever asked
    may cancel: then the worker stops, and what it had used is counted.
    """
    loaded = assigned.reserved.loaded
    granted = await ports.credentials.grant(loaded.authorised.owner, loaded.version.llm_config)
    if isinstance(granted, ErrorCode):
        return _over(assigned, _failed(granted))
    clean = all(past.clean for past in assigned.reserved.history)
    desk = TurnDesk(ports, loaded, assigned.reserved.reservation, clean_history=clean)
    try:
        async with ports.cancels.heeding(loaded.turn):
            outcome = await _ask(ports, assigned, granted, desk)
    except TurnCancelled:
        await loaded.turn.spending.until_counted(LAST_WORD_S)
        outcome = _failed(ErrorCode.CANCELLED)
    except Exception as broken:
        if not desk.has_calls:
            raise
        ports.log.error("turn_interrupted", turn_id=str(loaded.turn.message.turn_id), error=describe(broken))
        return _over(assigned, await explain_calls(ports, loaded))
    if isinstance(outcome, Failed) and desk.has_calls:
        return _over(assigned, await explain_calls(ports, loaded, outcome))
    if isinstance(outcome, Failed) and outcome.code is ErrorCode.AUTH_ERROR:
        await ports.credentials.doubt(loaded.authorised.owner, granted.used)
    over = _over(assigned, with_held(outcome, desk.told), tuple(binding.id for binding in granted.used))
    return replace(over, approvals=desk.approvals)


def _over(assigned: Assigned, outcome: Answered | Failed, credentials: tuple[UUID, ...] = ()) -> Dispatched:
    """With what attempts before this one have cost."""
    reserved, spending = assigned.reserved, assigned.reserved.loaded.turn.spending
    return Dispatched(assigned, outcome, credentials, spending.total + reserved.crashed, paid=spending.paid)


async def _ask(ports: Ports, assigned: Assigned, granted: Granted, desk: TurnDesk) -> Answered | Failed:
    loaded = assigned.reserved.loaded
    turn, asked = loaded.turn, turn_asked(ports, assigned, granted)
    key = order_key(assigned.points, assigned.waits_from_s, turn.sequence)
    claim = Claim(key, assigned.points, loaded.version.capabilities.priority_weight >= HIGH_PRIORITY)
    try:
        with ports.telemetry.span(Step.DISPATCHED, turn.envelope.traceparent, turn.attributes) as span:
            done, worker_id = await ports.workers.think(loaded.version.llm_config.worker_pool, claim, asked, desk)
            span.set_attribute("aiox.worker_id", worker_id)
    except NoWorker as none:
        ports.log.warning("no_worker", turn_id=str(turn.message.turn_id), reason=str(none))
        return _failed(ErrorCode.WORKER_UNAVAILABLE)
    except TimeoutError:
        return _failed(ErrorCode.TIMEOUT)
    with ports.telemetry.span(Step.RESULT, turn.envelope.traceparent, turn.attributes):
        return _outcome(done, worker_id)


def _failed(code: ErrorCode) -> Failed:
    return Failed(code, SENTENCES[code], Usage(0, 0))


def _outcome(done: pb.TurnDone, worker_id: str) -> Answered | Failed:
    usage = Usage(done.input_tokens, done.output_tokens)
    cost = done.cost_nanousd if done.HasField("cost_nanousd") else None
    if not done.success:
        known = {str(code): code for code in ErrorCode}
        code = known.get(done.error_code, ErrorCode.INTERNAL)
        return Failed(code, SENTENCES[code], usage, worker_id, done.latency_ms, done.model, cost)
    return Answered(
        text=done.response,
        usage=usage,
        citations=tuple(_citation(found) for found in done.citations),
        tools_called=tuple(done.tools_called),
        recalled=tuple(UUID(found) for found in done.recalled_ids),
        model=done.model,
        worker_id=worker_id,
        worker_ms=done.latency_ms,
        model_ms=done.model_ms,
        cost_nanousd=cost,
    )


def _citation(found: pb.Citation) -> Citation:
    document = UUID(found.document_id) if found.document_id else None
    return Citation(UUID(found.memory_id), document, found.title, found.section, found.distance)
