"""Three gateways as processes of their own: one budget, and a session that ends at one has ended at all."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from aiox.cli.stack.ports import PORT_STEP
from aiox.cli.stack.processes import Process, Program
from aiox.runtime.settings import environment
from setup.prove import note
from tests.e2e.over_http import signed_in
from tests.stack import RunningHub

REQUESTS = 200
WITHIN_S = 30.0
LIMIT = 100
SEEN_S = 5.0


@asynccontextmanager
async def gateways(hub: RunningHub) -> AsyncIterator[list[str]]:
    """The addresses of the hub's own and of two more."""
    async with AsyncExitStack() as stack:
        urls = [f"http://127.0.0.1:{hub.settings.ports.gateway + PORT_STEP * number}" for number in range(3)]
        for number, url in enumerate(urls[1:], start=2):
            process = await Process.start(_program(hub, number), hub.home.log_file(f"gateway-{number}"))
            stack.push_async_callback(process.stop)

            async def ready(url: str = url) -> bool:
                try:
                    async with httpx.AsyncClient(base_url=url) as client:
                        return (await client.get("/readyz")).status_code == 200
                except httpx.HTTPError:
                    return False

            await process.until_ready(ready)
        yield urls


def _program(hub: RunningHub, instance: int) -> Program:
    return Program(
        name=f"gateway-{instance}",
        title=f"gateway {instance}",
        command=(sys.executable, "-m", "aiox.cli.main", "run", "gateway", "--instance", str(instance)),
        environment=environment(hub.home.root),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
        ready_budget_s=90.0,
        stop_budget_s=30.0,
    )


@pytest.mark.prove
async def test_of_200_requests_within_30_seconds_exactly_the_limit_passes(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    async with gateways(hub) as urls, signed_in(hub, ada) as hers, signed_in(hub, eve) as other:
        began = time.monotonic()
        answers = await asyncio.gather(*(hers.get(f"{urls[number % 3]}/v1/agents") for number in range(REQUESTS)))
        took = time.monotonic() - began
        assert took < WITHIN_S, "the window is a minute: more time, and some of another would pass"
        counted = Counter(answer.status_code for answer in answers)
        assert counted == {200: LIMIT, 429: REQUESTS - LIMIT}
        for url in urls:
            assert (await other.get(f"{url}/v1/agents")).status_code == 200, "another user is untouched"
    note(f"three gateways: {REQUESTS} requests in {took:.1f} s, {counted[200]} passed, {counted[429]} refused")


@pytest.mark.prove
async def test_what_ended_at_one_has_ended_at_all(hub: RunningHub) -> None:
    ada = await hub.account()
    async with gateways(hub) as urls, signed_in(hub, ada) as client:
        for url in urls:
            assert (await client.get(f"{url}/v1/account")).status_code == 200
        assert (await client.delete(f"{urls[1]}/v1/sessions/current")).status_code == 204
        ended = time.monotonic()
        statuses = [(await client.get(f"{url}/v1/account")).status_code for url in urls]
        took = time.monotonic() - ended
    assert statuses == [401] * 3
    assert took < SEEN_S
    note(f"a session that ended at one of three gateways was refused by all {took:.2f} s later")
