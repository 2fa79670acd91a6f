"""1,000 agents for 50 people, on the real database: presence at the start, its traffic and memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from xml.etree.ElementTree import Element

import pytest
import structlog

from aiox.kernel.agent import AgentSpec, Profile, Visibility
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import agent_jid
from aiox.runtime.clock import SystemClock
from component.stanza_xml import COMPONENT, to_text
from component.watchers import Watchers
from registry import cards
from setup.prove import note
from tests.stack import Place
from tests.stores import Stores, opened

KIB_PER_AGENT = 8


@pytest.fixture(scope="session")
async def stores(postgres: Place, redis: Place) -> AsyncIterator[Stores]:
    async with opened(postgres.home, postgres.settings) as started:
        yield started


async def _came_online(stores: Stores, agents: Sequence[AgentId], people: int) -> tuple[float, int, float]:
    """Seconds, bytes of presence, and KiB of memory for an agent, when all servers probe for all agents at once."""
    sent = [0, 0]

    def send(element: Element) -> bool:
        sent[0] += 1
        sent[1] += len(to_text(element))
        return True

    pool = stores.pools["component"]
    watchers = Watchers(
        partial(cards.find_cards, pool), partial(cards.find_portrait, pool), send, SystemClock(), structlog.get_logger()
    )
    working = asyncio.ensure_future(watchers.work())
    tracemalloc.start()
    before, began = tracemalloc.get_traced_memory()[0], monotonic()
    for person in range(people):
        for agent in agents:
            watchers.receive(
                Element(
                    f"{{{COMPONENT}}}presence",
                    {"type": "probe", "from": f"p{person}@localhost/x", "to": agent_jid(agent, "localhost")},
                )
            )
    async with asyncio.timeout(300):
        while sent[0] < people * len(agents):
            await asyncio.sleep(0.01)
    seconds, memory = monotonic() - began, tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    return seconds, sent[1], memory / 1024 / len(agents)


async def _agents(stores: Stores, count: int) -> list[AgentId]:
    owner = await stores.account()
    spec = AgentSpec(profile=Profile(name="Ada"), visibility=Visibility.PUBLIC)
    return [await stores.agent(owner, spec) for _ in range(count)]


async def test_contacts_of_many_agents_are_all_shown_them(stores: Stores) -> None:
    """The wait inside ends when each pair has its presence; the figures are the long round's."""
    _, traffic, _ = await _came_online(stores, await _agents(stores, 20), 50)
    assert traffic > 20 * 50 * 300


@pytest.mark.prove
async def test_1000_agents_for_50_people(stores: Stores) -> None:
    agents = await _agents(stores, 1000)
    seconds, traffic, memory = await _came_online(stores, agents, 50)
    line = f"1,000 agents for 50 people: {seconds:.1f} s, {traffic >> 20} MiB of presence, {memory:.1f} KiB an agent"
    note(line)
    assert memory <= KIB_PER_AGENT
