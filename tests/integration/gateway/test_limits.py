"""One budget per action and account for all replicas, said in every answer (SPEC 12)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.runtime import redis
from aiox.runtime.settings import Limits
from gateway.access import Door
from gateway.app import make_app
from gateway.limits import Budgets
from registry.rates import Rates, RatesUnavailable
from tests.integration.gateway.door import HttpDoor

LIMITS = Limits(agents_per_minute=30, messages_per_minute=7)


@pytest.fixture
async def gateways(door: HttpDoor) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Three of them, each with a connection of its own to the one Redis."""

    async def ready() -> str:
        return ""

    async with AsyncExitStack() as opened:
        clients = []
        for _ in range(3):
            memory = redis.connect(door.stores.settings, door.stores.home.secrets("gateway"), "gateway")
            opened.push_async_callback(memory.aclose)
            counted = Budgets(Rates(memory).count, LIMITS).count
            inner = Door(door.inner.hub, door.inner.tokens, door.inner.people, counted, door.inner.resubmit)
            app = make_app(inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"))
            transport = httpx.ASGITransport(app=app)
            client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
            clients.append(await opened.enter_async_context(client))
        yield clients


async def test_of_200_requests_at_three_gateways_exactly_the_limit_passes(
    door: HttpDoor, gateways: list[httpx.AsyncClient]
) -> None:
    ada, eve = await door.person(), await door.person()
    answers = await asyncio.gather(
        *(gateways[number % 3].get("/v1/agents", headers=ada.headers) for number in range(200))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 30, 429: 170}
    passed = sorted(int(answer.headers["ratelimit-remaining"]) for answer in answers if answer.status_code == 200)
    assert passed == list(range(30))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "RATE_LIMITED"
    assert refused.headers["ratelimit-limit"] == "30"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    for gateway in gateways:  # another account, and another action of the same one, are untouched
        assert (await gateway.get("/v1/agents", headers=eve.headers)).status_code == 200
    other = await gateways[0].get("/v1/preferences", headers=ada.headers)
    assert (other.status_code, other.headers["ratelimit-remaining"]) == (200, "29")


async def test_messages_have_a_budget_of_their_own(door: HttpDoor, gateways: list[httpx.AsyncClient]) -> None:
    ada = await door.person()
    where = "/v1/agents/00000000-0000-4000-8000-00000000000a/messages"
    answers = [
        await gateways[number % 3].post(where, json={"text": "hello"}, headers=ada.headers) for number in range(9)
    ]
    assert [answer.status_code for answer in answers] == [404] * 7 + [429] * 2
    assert answers[0].headers["ratelimit-limit"] == "7"


async def test_without_counters_nothing_passes(door: HttpDoor, gateways: list[httpx.AsyncClient]) -> None:
    ada = await door.person()

    async def away(*_: object) -> object:
        raise RatesUnavailable("away")

    budgets = Budgets(away, LIMITS)  # type: ignore[arg-type]
    inner = Door(door.inner.hub, door.inner.tokens, door.inner.people, budgets.count, door.inner.resubmit)

    async def ready() -> str:
        return ""

    app = make_app(inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        answer = await client.get("/v1/agents", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "HUB_BUSY")


async def test_who_is_not_signed_in_is_told_of_no_budget(gateways: list[httpx.AsyncClient]) -> None:
    answer = await gateways[0].get("/v1/agents")
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
