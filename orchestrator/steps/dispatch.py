"""Steps 9 to 11: to the least-loaded healthy worker over gRPC, and back."""

from __future__ import annotations

import asyncio
from uuid import UUID

from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Answered, Citation, Failed, Usage
from aiox.runtime.steps import Step
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.ports import Ports
from orchestrator.proofs import Assigned, Dispatched
from orchestrator.steps.ask import turn_asked
from orchestrator.workers.pool import NoWorker
from policy.scoring import order_key


async def dispatch(ports: Ports, assigned: Assigned) -> Dispatched:
    """Waits for a free slot in the order of the scores; a worker that dies meanwhile is replaced by another."""
    loaded = assigned.reserved.loaded
    turn = loaded.turn
    asked = turn_asked(ports, assigned)
    key = order_key(assigned.points, turn.sequence)
    try:
        with ports.telemetry.span(Step.DISPATCHED, turn.envelope.traceparent, turn.attributes) as span:
            async with asyncio.timeout(asked.timeout_ms / 1000 + 2):
                done, worker_id = await ports.workers.think(loaded.version.llm_config.worker_pool, key, asked)
            span.set_attribute("aiox.worker_id", worker_id)
    except NoWorker as none:
        ports.log.warning("no_worker", turn_id=str(turn.message.turn_id), reason=str(none))
        return Dispatched(assigned, _failed(ErrorCode.WORKER_UNAVAILABLE))
    except TimeoutError:
        return Dispatched(assigned, _failed(ErrorCode.TIMEOUT))
    with ports.telemetry.span(Step.RESULT, turn.envelope.traceparent, turn.attributes):
        return Dispatched(assigned, _outcome(done, worker_id))


def _failed(code: ErrorCode) -> Failed:
    return Failed(code, SENTENCES[code], Usage(0, 0))


def _outcome(done: pb.TurnDone, worker_id: str) -> Answered | Failed:
    usage = Usage(done.input_tokens, done.output_tokens)
    if not done.success:
        known = {str(code): code for code in ErrorCode}
        code = known.get(done.error_code, ErrorCode.INTERNAL)
        return Failed(code, SENTENCES[code], usage, worker_id, done.latency_ms)
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
    )


def _citation(found: pb.Citation) -> Citation:
    document = UUID(found.document_id) if found.document_id else None
    return Citation(UUID(found.memory_id), document, found.title, found.section, found.distance)
