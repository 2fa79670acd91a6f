"""Hidden, forbidden and unknown agents take the same time (SPEC 3): medians of 1,000 interleaved requests each."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import uuid4

import pytest

from aiox.cli.stack.home import prepare
from aiox.runtime.settings import Limits, Settings, Telemetry
from tests.e2e.people import Person, online
from tests.stack import RunningHub, free_ports

ROUNDS = 1000
NO_LIMIT = 10**6


async def refused_after(person: Person, address: str) -> float:
    """Seconds until the error is there."""
    began = perf_counter()
    await person.error_for(person.say(address, "let me in"))
    person.got.clear()
    return perf_counter() - began


@pytest.mark.prove
async def test_a_refusal_takes_as_long_for_an_agent_that_is_there_as_for_none() -> None:
    with TemporaryDirectory(prefix="aiox-test-") as folder:
        limits = Limits(messages_per_minute=NO_LIMIT, message_burst=NO_LIMIT)
        settings = Settings(
            home=Path(folder),
            ports=free_ports(),
            limits=limits,
            telemetry=Telemetry(sample_rate=0, log_level="WARNING"),
        )
        hub = RunningHub(prepare(settings), settings)
        await hub.start()
        try:
            ada, eve = await hub.account(), await hub.account()
            agent = await hub.agent(ada)
            times: dict[bool, list[float]] = {True: [], False: []}
            async with online(hub, eve) as person:
                for _ in range(ROUNDS):
                    for there in times:
                        address = agent.jid if there else agent.jid.replace(str(agent.agent_id), str(uuid4()))
                        times[there].append(await refused_after(person, address))
        finally:
            await hub.stop()
    here, nowhere = median(times[True]), median(times[False])
    print(f"there {here * 1000:.2f} ms, nowhere {nowhere * 1000:.2f} ms")
    assert abs(here - nowhere) < max(0.0003, 0.1 * nowhere)
