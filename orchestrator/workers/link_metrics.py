"""How long calls to workers take, for Prometheus (SPEC 13). A turn on the stream counts as a call of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
from prometheus_client import Histogram

DURATION: Final = Histogram(
    "aiox_grpc_request_duration",
    "seconds of calls to workers; a turn on the stream is one",
    ("method", "status"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


@contextmanager
def timed(method: str, lost: type[Exception]) -> Iterator[None]:
    """One call. Its status is gRPC's name for how it ended; `lost` says that the link broke. What it raises goes on."""
    loop = asyncio.get_running_loop()
    began, status = loop.time(), "INTERNAL"
    try:
        yield
        status = "OK"
    except (asyncio.CancelledError, GeneratorExit):
        status = "CANCELLED"
        raise
    except lost:
        status = "UNAVAILABLE"
        raise
    except grpc.aio.AioRpcError as broken:
        status = broken.code().name
        raise
    finally:
        DURATION.labels(method, status).observe(loop.time() - began)
