"""Two components on one domain, on a real XMPP server."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4
from xml.etree.ElementTree import Element

import pytest

from tests.e2e.people import Person
from tests.integration.component.rig import Rig, agent, rig

TWO = {
    "AIOX_COMPONENTS": "2",
    "AIOX_LIMITS__MESSAGES_PER_MINUTE": "60000",
    "AIOX_LIMITS__MESSAGE_BURST": "1000",
}
AGENTS = 6


@dataclass
class Two:
    """Up to two components, which a test takes over from the one before as they are."""

    it: Rig
    running: dict[int, Process] = field(default_factory=dict)

    async def both(self) -> tuple[Process, Process]:
        """Both of them, each with its share, and its link for it up."""
        for number in (1, 2):
            if number not in self.running or self.running[number].returncode is not None:
                before = self._taken(number)
                self.running[number] = await self.it.launch(number, **TWO)
                async with asyncio.timeout(60):
                    while self._taken(number) == before:  # the other one may have to hand over first
                        await asyncio.sleep(0.05)
                await self.it.until_ready(self.running[number], number)
        return self.running[1], self.running[2]

    def _taken(self, number: int) -> int:
        """How often a component has taken a slot so far."""
        log = self.it.place.home.root / f"component-{number}.log"
        return log.read_text().count("slot_taken") if log.exists() else 0

    async def kill(self, number: int) -> None:
        self.running[number].kill()
        await self.running[number].wait()

    async def stop(self, number: int) -> None:
        process = self.running.pop(number)
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(60):
                assert await process.wait() == 0, "SIGTERM ends it in order"


@pytest.fixture(scope="module")
async def it() -> AsyncIterator[Rig]:
    async with rig(("carol",), components=2) as running:
        yield running


@pytest.fixture(scope="module")
async def two(it: Rig) -> AsyncIterator[Two]:
    made = Two(it)
    try:
        yield made
    finally:
        for number in list(made.running):
            await made.stop(number)


async def say(person: Person, number: int, body: str) -> str:
    """Says it again until it is receipted, as clients do. Returns the message's id."""
    message_id = str(uuid4())
    while True:
        person.say(agent(number), body, message_id, (Element("{urn:xmpp:receipts}request"),))
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await person.receipt_for(message_id)
                return message_id


async def everyone_is_reached(it: Rig, seconds: float) -> None:
    tag = uuid4().hex
    async with it.online("carol") as carol, asyncio.timeout(seconds):
        await asyncio.gather(*(say(carol, number, f"{tag} {number}") for number in range(AGENTS)))
    stored = [body for body in await it.stored() if body.startswith(tag)]
    assert sorted(stored) == sorted(f"{tag} {number}" for number in range(AGENTS)), "each once"


SOON_S, AT_ONCE_S, TAKEN_OVER_S = 60.0, 2.0, 5.0


@pytest.mark.parametrize("within_s", [SOON_S, pytest.param(AT_ONCE_S, marks=pytest.mark.prove)])
async def test_one_of_two_carries_everything(it: Rig, within_s: float) -> None:
    async with it.component(1, **TWO):
        await everyone_is_reached(it, within_s)


async def test_two_share_and_each_agents_messages_keep_their_order(it: Rig, two: Two) -> None:
    await two.both()
    tag = uuid4().hex
    async with it.online("carol") as carol:
        for number in range(120):
            carol.say(agent(number % AGENTS), f"{tag} {number}", str(uuid4()))
        async with asyncio.timeout(60):
            while len(stored := [body for body in await it.stored() if body.startswith(tag)]) < 120:
                await asyncio.sleep(0.1)
    for one in range(AGENTS):
        said = [f"{tag} {number}" for number in range(120) if number % AGENTS == one]
        assert [body for body in stored if body in said] == said
    log = (it.place.home.root / "component-1.log").read_text()
    assert "slot_handed_over" in log


@pytest.mark.parametrize("within_s", [SOON_S, pytest.param(TAKEN_OVER_S, marks=pytest.mark.prove)])
@pytest.mark.parametrize("victim", [1, 2])
async def test_when_one_is_killed_the_other_carries_on(it: Rig, two: Two, victim: int, within_s: float) -> None:
    await two.both()
    two.running[victim].kill()
    await everyone_is_reached(it, within_s)
    await two.running[victim].wait()


async def test_answers_go_out_once_and_in_order_while_components_come_and_go(it: Rig, two: Two) -> None:
    await two.both()
    it.said.clear()

    async def speak() -> None:
        for number in range(100):
            await it.answer("carol@localhost", agent(number % AGENTS), f"an answer {number}")
            await asyncio.sleep(0.03)

    async with it.online("carol"):
        speaking = asyncio.create_task(speak())
        await two.kill(2)
        await two.both()
        await two.kill(2)
        await speaking
        await it.until_sent()
    archived = await it.archived("carol")
    for at, said in it.said.items():
        assert [one for one in archived[at] if one in said] == said


async def test_postgres_and_the_xmpp_server_come_back_under_both(it: Rig, two: Two) -> None:
    first, second = await two.both()
    await it.restart("postgres")
    await everyone_is_reached(it, SOON_S)
    await it.restart("ejabberd")
    await everyone_is_reached(it, SOON_S)
    assert first.returncode is second.returncode is None
