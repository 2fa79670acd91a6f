from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from prometheus_client import CollectorRegistry

from aiox.commands.passwords import Passwords
from aiox.commands.people import HouseRules, People
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime import redis
from aiox.runtime.settings import Limits
from gateway.access import Door
from gateway.app import make_app
from gateway.auth import AccessTokens
from gateway.limits import Budgets
from gateway.routes import accounts as account_routes
from gateway.routes import letterboxes, sign_in_limits
from registry.rates import Rates
from tests.integration.gateway.door import HttpDoor, Letterbox, XmppServer
from tests.stack import Place
from tests.stores import Stores, opened


@pytest.fixture(scope="session")
async def stores(postgres: Place, redis: Place) -> AsyncIterator[Stores]:
    async with opened(postgres.home, postgres.settings) as started:
        yield started


async def _no_bus(_envelope: Envelope[MessageReceived]) -> None:
    raise AssertionError("no test here puts a message on the bus")


@pytest.fixture(scope="session")
async def door(stores: Stores) -> AsyncIterator[HttpDoor]:
    """All tests ask from one address, so its own budget is as good as none; the tests of it set it back."""
    with pytest.MonkeyPatch.context() as one_address:
        one_address.setattr(sign_in_limits, "PER_ADDRESS", 1_000_000)
        one_address.setattr(account_routes, "PER_ADDRESS", 1_000_000)
        one_address.setattr(letterboxes, "SIGN_UPS", 1_000_000)
        async with _opened(stores) as opened_door:
            yield opened_door


@asynccontextmanager
async def _opened(stores: Stores) -> AsyncIterator[HttpDoor]:
    memory = redis.connect(stores.settings, stores.home.secrets("gateway"), "gateway")
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    xmpp, letters = XmppServer(), Letterbox()
    people = People(passwords, xmpp, letters.put, HouseRules(steady_s=0), b"r" * 32)
    counted = Budgets(Rates(memory).count, Limits()).count
    inner = Door(stores.hub, AccessTokens(b"k" * 32), people, counted, _no_bus)

    async def ready() -> str:
        return ""

    app = make_app(inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages-built"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield HttpDoor(client, stores, inner, xmpp, letters)
    await memory.aclose()
