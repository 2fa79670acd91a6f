"""A call is timed under gRPC's name for how it ended, and what it raises goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

import grpc
import pytest
from prometheus_client import REGISTRY

from orchestrator.workers.link import WorkerLost
from orchestrator.workers.link_metrics import timed

BROKEN = grpc.aio.AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, grpc.aio.Metadata(), grpc.aio.Metadata())


def count(method: str, status: str) -> float | None:
    return REGISTRY.get_sample_value("aiox_grpc_request_duration_count", {"method": method, "status": status})


async def test_one_that_returns_is_ok() -> None:
    method = str(uuid4())
    with timed(method, WorkerLost):
        pass
    assert count(method, "OK") == 1


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (WorkerLost("w"), "UNAVAILABLE"),
        (BROKEN, "DEADLINE_EXCEEDED"),
        (ValueError("a bug"), "INTERNAL"),
        (asyncio.CancelledError(), "CANCELLED"),
    ],
)
async def test_one_that_raises_says_how_it_ended(raised: BaseException, status: str) -> None:
    method = str(uuid4())
    with pytest.raises(type(raised)), timed(method, WorkerLost):
        raise raised
    assert count(method, status) == 1
    assert count(method, "OK") is None


async def test_a_reader_that_goes_away_has_cancelled() -> None:
    method = str(uuid4())

    async def pieces() -> AsyncGenerator[int, None]:
        with timed(method, WorkerLost):
            yield 1
            yield 2

    reader = pieces()
    assert await anext(reader) == 1
    await reader.aclose()
    assert count(method, "CANCELLED") == 1
