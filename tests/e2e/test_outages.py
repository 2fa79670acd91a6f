"""The ground goes away under the running services: each store and server is killed and comes back; none of ours is
restarted."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from xml.etree.ElementTree import Element, tostring

import aiohttp
import pytest

from aiox.cli.chat.stream import CLIENT
from aiox.cli.stack.services import health_port
from aiox.runtime.settings import Service
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, Person, answer_to, body_of, online
from tests.stack import RunningHub, throw_away

SERVICES: tuple[Service, ...] = ("component", "gateway", "orchestrator", "ai_worker")
BACK_S = 60.0
MOST_DEATHS = 6
MISSED: dict[str, dict[Service, str]] = {
    "postgres": {"component": "PostgreSQL", "gateway": "PostgreSQL", "ai_worker": "PostgreSQL"},
    "redis": {"gateway": "Redis", "orchestrator": "Redis"},
    "nats": {"component": "NATS", "orchestrator": "NATS", "ai_worker": "NATS"},
    "ejabberd": {"component": "XMPP server"},
}
"""Who says what while a part is away."""


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[RunningHub]:
    """A hub that these tests may hurt."""
    async with throw_away() as running:
        await running.start()
        yield running


class Watch:
    """Asks every service for its readiness, again and again, and keeps what was missing. One that says nothing in time
    is not ready, and is asked again.
    """

    def __init__(self, hub: RunningHub) -> None:
        self._ports = {service: health_port(hub.settings.ports, service) for service in SERVICES}
        self.said: dict[Service, set[str]] = {service: set() for service in SERVICES}
        self.now: dict[Service, str] = {}
        self._over = False

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Within it, it looks; what went wrong with looking is raised at the end."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            looking = [asyncio.create_task(self._follow(session, service)) for service in SERVICES]
            try:
                yield
            finally:
                self._over = True
                for one in looking:
                    one.cancel()
                ended = await asyncio.gather(*looking, return_exceptions=True)
        assert [one for one in ended if isinstance(one, Exception)] == []

    async def _follow(self, session: aiohttp.ClientSession, service: Service) -> None:
        while not self._over:
            try:
                async with session.get(f"http://127.0.0.1:{self._ports[service]}/readyz") as answer:
                    self.now[service] = "" if answer.status == 200 else (await answer.text()).strip()
            except TimeoutError:
                self.now[service] = "silent"
            self.said[service].add(self.now[service])
            await asyncio.sleep(0.02)

    def has_said(self, service: Service, word: str) -> bool:
        return any(word in said for said in self.said[service])

    async def until_ready(self) -> None:
        async with asyncio.timeout(BACK_S):
            while len(self.now) < len(SERVICES) or any(self.now.values()):
                await asyncio.sleep(0.05)


async def keep_away(hub: RunningHub, part: str, watch: Watch) -> None:
    """Kills the part again each time it is started, until every service that needs it has said so."""
    killed = 1
    async with asyncio.timeout(BACK_S):
        while any(not watch.has_said(service, word) for service, word in MISSED[part].items()):
            if killed < MOST_DEATHS:
                with contextlib.suppress(KeyError, ProcessLookupError):  # it is not there now
                    hub.kill(part)
                    killed += 1
            await asyncio.sleep(0.05)


def conclusion(got: Element, message_id: str, thread: str) -> bool:
    """Whether this stanza answers the message, or refuses it."""
    refused = got.get("type") == "error" and got.get("id") == message_id
    return refused or (bool(body_of(got)) and got.findtext(f"{{{CLIENT}}}thread") == thread)


async def ask(person: Person, agent: str, text: str) -> Element:
    thread = Element(f"{{{CLIENT}}}thread")
    thread.text = text
    message_id = person.say(agent, text, extra=(thread,))
    return await person.until(lambda got: conclusion(got, message_id, text), BACK_S)


def retryable(got: Element) -> bool:
    error = got.find(f"{{{CLIENT}}}error")
    return error is not None and error.get("type") == "wait"


@pytest.mark.parametrize("part", ["redis", "nats", "postgres"])
async def test_a_store_is_killed_and_comes_back_under_the_services(own: RunningHub, part: str) -> None:
    ada = await own.account(quota=ROOMY_ACCOUNT)
    agent = await own.agent(ada, governance=ROOMY)
    before = own.pids()
    watch = Watch(own)
    async with watch.looking(), online(own, ada) as person:
        await answer_to(person, agent.jid, "before")
        own.kill(part)
        staying_away = asyncio.create_task(keep_away(own, part, watch))
        meanwhile = await ask(person, agent.jid, f"while {part} is away")
        assert meanwhile.get("type") != "error" or retryable(meanwhile), tostring(meanwhile)
        await staying_away
        await watch.until_ready()
        after = await ask(person, agent.jid, f"{part} is back")
        assert after.get("type") != "error", tostring(after)
    _nobody_of_ours_was_restarted(own, before, part)


async def recalled_after_redis_lost_everything(own: RunningHub, *, texts: bool) -> str:
    """What an agent says it was asked before, when all that Redis held is gone; `texts`: whether they are recorded."""
    ada = await own.account(quota=ROOMY_ACCOUNT)
    agent = await own.agent(ada, governance={**ROOMY, "audit_log_enabled": texts})
    watch = Watch(own)
    async with online(own, ada) as person:
        await answer_to(person, agent.jid, "Where do the pelicans nest?")
        assert "pelicans" in await answer_to(person, agent.jid, "What did I just ask?")
        await answer_to(person, agent.jid, "And where do the storks sleep?")
        shutil.rmtree(own.home.part("redis") / "appendonlydir")
        gone = own.kill("redis")
        async with watch.looking():
            async with asyncio.timeout(BACK_S):
                while own.pids().get("redis", gone) == gone:
                    await asyncio.sleep(0.05)
            await watch.until_ready()
        return await answer_to(person, agent.jid, "What did I just ask?")


async def test_a_conversation_survives_the_loss_of_all_that_redis_held(own: RunningHub) -> None:
    assert "storks" in await recalled_after_redis_lost_everything(own, texts=True)


@pytest.mark.control
async def test_control_what_is_recorded_nowhere_is_lost_with_redis(own: RunningHub) -> None:
    assert "storks" not in await recalled_after_redis_lost_everything(own, texts=False)


async def test_the_xmpp_server_is_killed_and_comes_back(own: RunningHub) -> None:
    ada = await own.account(quota=ROOMY_ACCOUNT)
    agent = await own.agent(ada, governance=ROOMY)
    before = own.pids()
    watch = Watch(own)
    async with watch.looking():
        async with online(own, ada) as person:
            await answer_to(person, agent.jid, "before")
            own.kill("ejabberd")
            await keep_away(own, "ejabberd", watch)
        await watch.until_ready()
        async with online(own, ada) as person:
            assert (await ask(person, agent.jid, "the server is back")).get("type") != "error"
    _nobody_of_ours_was_restarted(own, before, "ejabberd")


def _nobody_of_ours_was_restarted(hub: RunningHub, before: dict[str, int], part: str) -> None:
    after = hub.pids()
    assert {name for name in after if after[name] != before.get(name)} == {part}
