"""Each service answers /livez, /readyz and /metrics on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, Histogram

from aiox.runtime.health import health_app, serve
from tests.metrics_table import parsed
from tests.ports import free_port


class Readiness:
    """What the service lacks."""

    missing = ""

    async def __call__(self) -> str:
        return self.missing


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
async def url(readiness: Readiness) -> AsyncIterator[str]:
    port = free_port()
    server = asyncio.create_task(serve(health_app(readiness), port))
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        if server.done() or await answers(url):
            break
        await asyncio.sleep(0.01)
    yield url
    server.cancel()
    with suppress(asyncio.CancelledError):
        await server
    assert not await answers(url)


async def answers(url: str) -> bool:
    try:
        return (await get(f"{url}/livez"))[0] == 200
    except aiohttp.ClientError:
        return False


async def get(url: str, accepts: str = "*/*") -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Accept": accepts}) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def test_alive(url: str) -> None:
    assert (await get(f"{url}/livez"))[::2] == (200, "alive\n")


async def test_ready_or_what_is_missing(url: str, readiness: Readiness) -> None:
    assert (await get(f"{url}/readyz"))[::2] == (200, "ready\n")
    readiness.missing = "no database"
    assert (await get(f"{url}/readyz"))[::2] == (503, "no database\n")
    assert (await get(f"{url}/livez"))[0] == 200


async def test_metrics_are_prometheus_text(url: str) -> None:
    status, kind, text = await get(f"{url}/metrics")
    assert (status, kind) == (200, CONTENT_TYPE_PLAIN_0_0_4)
    assert "python_info" in text


async def test_who_asks_for_open_metrics_gets_the_exemplars(url: str) -> None:
    Histogram("health_test_seconds", "of this test").observe(0.3, {"trace_id": "abc"})
    _, kind, text = await get(f"{url}/metrics", "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    families = {family.name: family for family in parsed(text)}
    exemplars = [one.exemplar.labels for one in families["health_test_seconds"].samples if one.exemplar is not None]
    assert exemplars == [{"trace_id": "abc"}]
    assert "trace_id" not in (await get(f"{url}/metrics"))[2]


async def test_anything_else_says_what_there_is(url: str) -> None:
    status, _, text = await get(f"{url}/")
    assert status == 404
    assert "/readyz" in text


async def test_a_taken_port_is_an_os_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 is taken"):
            await serve(health_app(Readiness()), port)
