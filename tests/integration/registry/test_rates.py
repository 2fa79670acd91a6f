"""Rates on a real Redis."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.runtime import redis
from aiox.runtime.settings import Ports
from registry.rates import Rates, RatesUnavailable
from tests.ports import free_port
from tests.stores import Stores


async def test_budget_runs_out_and_says_when_it_resets(stores: Stores) -> None:
    memory = redis.connect(stores.settings, stores.home.secrets("gateway"), "gateway")
    rates, who = Rates(memory), str(uuid4())
    found = [await rates.count("agent.list", who, 2) for _ in range(3)]
    assert [rate.left for rate in found] == [1, 0, -1]
    assert 0 < found[-1].resets_in_s <= 60
    assert (await rates.count("agent.list", str(uuid4()), 2)).left == 1
    assert await rates.answers()
    await memory.aclose()


async def test_without_redis_nothing_is_allowed(stores: Stores) -> None:
    settings = stores.settings.model_copy(update={"ports": Ports(redis=free_port())})
    memory = redis.connect(settings, stores.home.secrets("gateway"), "gateway")
    rates = Rates(memory)
    with pytest.raises(RatesUnavailable):
        await rates.count("agent.list", "someone", 2)
    assert not await rates.answers()
    await memory.aclose()
