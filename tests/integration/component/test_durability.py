"""Whatever dies between the outbox row and the user's archive: every answer is there once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4
from xml.etree.ElementTree import Element

import pytest

from aiox.runtime.crash import CrashPoint
from tests.e2e.people import Person
from tests.integration.component.rig import Rig, agent, rig

ONLINE, OFFLINE = "carol", "dora"
REQUEST = Element("{urn:xmpp:receipts}request")


@pytest.fixture(scope="module")
async def parts() -> AsyncIterator[Rig]:
    async with rig((ONLINE, OFFLINE)) as running:
        yield running


@pytest.fixture
def it(parts: Rig) -> Rig:
    parts.said.clear()
    return parts


async def say(it: Rig, rows: int, pause_s: float = 0.0, *, announced: bool = True) -> None:
    """Answers of four agents to both people, in turn."""
    for number in range(rows):
        to = (ONLINE, OFFLINE)[number % 2]
        await it.answer(f"{to}@localhost", agent(number % 4), f"an answer {number}", announced=announced)
        await asyncio.sleep(pause_s)


async def everything_arrived_once_and_in_order(it: Rig) -> None:
    await it.until_sent()
    archived = {**await it.archived(ONLINE), **await it.archived(OFFLINE)}
    for at, said in it.said.items():
        found = [one for one in archived.get(at, []) if one in set(said)]
        assert not (lost := [said.index(one) for one in said if one not in found]), lost
        assert not (doubled := [said.index(one) for one in said if found.count(one) > 1]), doubled
        assert found == said, [said.index(one) for one in found]


@pytest.mark.parametrize(
    "point", [CrashPoint.BEFORE_SEND, CrashPoint.AFTER_SEND, CrashPoint.AFTER_PONG, CrashPoint.AFTER_MARK]
)
async def test_component_dies_on_the_way_out(it: Rig, point: CrashPoint) -> None:
    async with it.online(ONLINE):
        process = await it.launch(AIOX_CRASH__POINT=point.name, AIOX_CRASH__PASSAGE="5")
        await it.until_ready(process)
        await say(it, 16)
        async with asyncio.timeout(60):
            await process.wait()
        assert process.returncode == -9, it.last_words()
        async with it.component():
            await everything_arrived_once_and_in_order(it)


@pytest.mark.parametrize("victim", ["ejabberd", "nats"])
async def test_a_part_dies_while_answers_go_out(it: Rig, victim: str) -> None:
    async with it.online(ONLINE), it.component() as process:
        saying = asyncio.create_task(say(it, 60, 0.01))
        await asyncio.sleep(0.3)
        await it.restart(victim)
        await saying
        await everything_arrived_once_and_in_order(it)
        assert process.returncode is None, "it outlives the others"


async def test_postgres_dies_while_answers_go_out(it: Rig) -> None:
    await say(it, 200, announced=False)
    async with it.online(ONLINE):
        process = await it.launch()
        try:
            async with asyncio.timeout(60):
                while await it.unsent() > 180:
                    await asyncio.sleep(0.002)
            await it.restart("postgres")
            await everything_arrived_once_and_in_order(it)
            assert process.returncode is None, "it outlives the others"
        finally:
            process.terminate()
            await process.wait()


async def test_component_is_killed_again_and_again(it: Rig) -> None:
    async with it.online(ONLINE):
        saying = asyncio.create_task(say(it, 120, 0.03))
        for _ in range(3):
            process = await it.launch()
            await it.until_ready(process)
            await asyncio.sleep(0.3)
            process.kill()
            await process.wait()
        async with it.component():
            await saying
            await everything_arrived_once_and_in_order(it)


async def ask(person: Person, body: str, message_id: str) -> None:
    request = Element(REQUEST.tag)
    person.say(agent(0), body, message_id, (request,))


@pytest.mark.parametrize("point", [CrashPoint.BEFORE_PUBLISH, CrashPoint.AFTER_PUBLISH, CrashPoint.AFTER_RECEIPT])
async def test_component_dies_on_the_way_in(it: Rig, point: CrashPoint) -> None:
    async with it.online(ONLINE) as carol:
        process = await it.launch(AIOX_CRASH__POINT=point.name)
        await it.until_ready(process)
        body, message_id = f"question {uuid4()}", str(uuid4())
        await ask(carol, body, message_id)
        async with asyncio.timeout(60):
            await process.wait()
        assert process.returncode == -9
        if point is CrashPoint.AFTER_RECEIPT:
            await carol.receipt_for(message_id)
            assert (await it.stored()).count(body) == 1, "what is receipted is stored"
            return
        async with it.component():
            await ask(carol, body, message_id)  # nobody receipted it, so the client says it again
            await carol.receipt_for(message_id)
            assert (await it.stored()).count(body) == 1
