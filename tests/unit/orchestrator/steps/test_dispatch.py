"""What the pool is told of a turn: when it is due, its score, and whether its agent is of high priority."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Failed
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.credentials import Granted
from orchestrator.ports import Ports
from orchestrator.proofs import Assigned
from orchestrator.steps import dispatch as step
from orchestrator.steps.tool_call import TurnDesk
from orchestrator.workers.pool import NoWorker
from orchestrator.workers.queue import Claim
from policy.scoring import HEAD_START_S


class FullPool:
    """Takes nothing, and keeps what it was told."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    async def think(self, pool: str, claim: Claim, _asked: pb.TurnAsked, _desk: object) -> None:
        self.told = {"pool": pool, "claim": claim}
        raise NoWorker("the queue is full")


class Quiet:
    """No spans, no log."""

    def span(self, *_: object) -> nullcontext[None]:
        return nullcontext()

    def warning(self, *_: object, **__: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize(("weight", "high"), [(1.0, True), (0.75, True), (0.74, False), (0.5, False), (0.0, False)])
async def test_a_place_is_kept_for_agents_of_high_priority(
    monkeypatch: pytest.MonkeyPatch, weight: float, high: bool
) -> None:
    monkeypatch.setattr(step, "turn_asked", lambda *_: pb.TurnAsked())
    pool, quiet = FullPool(), Quiet()
    version = SimpleNamespace(
        llm_config=SimpleNamespace(worker_pool="default"), capabilities=SimpleNamespace(priority_weight=weight)
    )
    turn = SimpleNamespace(
        sequence=7,
        attributes={},
        envelope=SimpleNamespace(traceparent=""),
        message=SimpleNamespace(turn_id=uuid4()),
    )
    loaded = SimpleNamespace(turn=turn, version=version)
    assigned = cast(Assigned, SimpleNamespace(points=0.4, waits_from_s=100.0, reserved=SimpleNamespace(loaded=loaded)))
    ports = cast(Ports, SimpleNamespace(workers=pool, telemetry=quiet, log=quiet))
    outcome = await step._ask(ports, assigned, cast(Granted, None), cast(TurnDesk, None))
    assert pool.told == {"pool": "default", "claim": Claim((100.0 - 0.4 * HEAD_START_S, 7), 0.4, high)}
    assert isinstance(outcome, Failed)
    assert outcome.code is ErrorCode.WORKER_UNAVAILABLE
