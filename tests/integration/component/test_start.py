"""A door of a thousand agents starts as one of a single agent does: it asks for none before somebody else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

from aiox.kernel.agent import AgentSpec, Profile, Visibility
from setup.prove import note
from tests.integration.component.test_process import component, until_ready
from tests.stack import Place
from tests.stores import Stores, opened

MANY, STARTS = 1000, 5
MOST = 3.0
"""Times the start of one agent."""
KIB_PER_AGENT = 8


@pytest.fixture(scope="module")
async def stores(postgres: Place, redis: Place) -> AsyncIterator[Stores]:
    async with opened(postgres.home, postgres.settings) as started:
        yield started


async def _started(place: Place) -> tuple[float, float]:
    """Seconds until it is ready, and KiB that it holds then: medians of some starts."""
    seconds, held = [], []
    for _ in range(STARTS):
        began = monotonic()
        async with component(place) as pid:
            await until_ready(place)
            seconds.append(monotonic() - began)
            held.append(_kib(pid))
    return median(seconds), median(held)


def _kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4


@pytest.mark.prove
async def test_1000_agents_start_like_one(ejabberd: Place, nats: Place, stores: Stores) -> None:
    assert nats.home == ejabberd.home
    owner = await stores.account()
    spec = AgentSpec(profile=Profile(name="Ada"), visibility=Visibility.PUBLIC)
    await stores.agent(owner, spec)
    one, one_kib = await _started(ejabberd)
    for _ in range(MANY - 1):
        await stores.agent(owner, spec)
    many, many_kib = await _started(ejabberd)
    each = (many_kib - one_kib) / (MANY - 1)
    note(f"start of the door: {one:.2f} s with one agent, {many:.2f} s with {MANY}; {each:.2f} KiB more for each")
    assert many <= MOST * one
    assert each <= KIB_PER_AGENT
