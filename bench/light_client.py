"""Load: XMPP clients that ask one question at a time and time the answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from xml.etree.ElementTree import Element, tostring

from aiox.cli.chat.client import SID
from aiox.cli.chat.stream import CLIENT, Stream
from bench.measure import Figure, percentile

ANSWER_BUDGET_S = 30.0


class NoAnswer(Exception):
    """A question was not answered in time, or not with its own words. The round does not count."""


@dataclass(frozen=True, slots=True)
class Login:
    """An account on the server under test."""

    jid: str
    password: str
    port: int
    ca: Path
    hosts: tuple[str, ...] = ("127.0.0.1",)
    """Servers that are one; another one is tried when one does not let in."""


class LightClient:
    """One account, one conversation, one question at a time."""

    def __init__(self, login: Login) -> None:
        self._stream = Stream(login.jid, login.password, login.hosts[0], login.port, login.ca, self._heard)
        self._answer: asyncio.Future[str] | None = None
        self._jid = login.jid

    async def log_in(self) -> None:
        """Connects and sends presence. Raises ChatTrouble."""
        await self._stream.open()

    async def disconnect(self) -> None:
        """Ends the stream."""
        await self._stream.close()

    async def ask(self, agent: str, question: str) -> float:
        """Sends a question and waits for its answer. Returns milliseconds. Raises NoAnswer."""
        self._answer = asyncio.get_running_loop().create_future()
        message_id = str(uuid4())
        body = Element(f"{{{CLIENT}}}body")
        body.text = question
        started = time.perf_counter()
        self._stream.send(agent, message_id, [body, Element(f"{{{SID}}}origin-id", {"id": message_id})])
        try:
            async with asyncio.timeout(ANSWER_BUDGET_S):
                answer = await self._answer
        except TimeoutError:
            raise NoAnswer(f"{self._jid} got no answer within {ANSWER_BUDGET_S:.0f} s") from None
        took = time.perf_counter() - started
        if question not in answer:
            raise NoAnswer(f"{agent} answered something else: {answer[:200]}")
        return took * 1000

    def _heard(self, message: Element) -> None:
        if self._answer is None or self._answer.done():
            return
        if message.get("type") == "error":
            self._answer.set_exception(NoAnswer(tostring(message, encoding="unicode")))
        elif (body := message.findtext(f"{{{CLIENT}}}body")) is not None:
            self._answer.set_result(body)


async def connected(logins: list[Login]) -> list[LightClient]:
    """Clients that are logged in, one after the other."""
    clients = []
    for login in logins:
        client = LightClient(login)
        await client.log_in()
        clients.append(client)
    return clients


async def one_by_one(client: LightClient, agent: str, questions: int) -> list[Figure]:
    """Latency without load: `questions` in a row from one client."""
    times = [await client.ask(agent, f"question {number}") for number in range(questions)]
    return [
        Figure("unloaded p50", "ms", percentile(times, 0.5)),
        Figure("unloaded p99", "ms", percentile(times, 0.99)),
    ]


async def all_at_once(clients: list[LightClient], agents: list[str], seconds: float) -> list[Figure]:
    """Throughput in a closed loop: each client asks its agent again as soon as it has its answer."""
    started = time.perf_counter()
    until = started + seconds

    async def loop(client: LightClient, agent: str) -> list[float]:
        times: list[float] = []
        while time.perf_counter() < until:
            times.append(await client.ask(agent, f"question {len(times)}"))
        return times

    async with asyncio.TaskGroup() as group:
        loops = [group.create_task(loop(*pair)) for pair in zip(clients, agents, strict=True)]
    times = [each for done in loops for each in done.result()]
    took = time.perf_counter() - started
    return [
        Figure(f"closed loop, {len(clients)} clients", "messages/s", len(times) / took, higher_is_better=True),
        Figure("loaded p50", "ms", percentile(times, 0.5)),
        Figure("loaded p99", "ms", percentile(times, 0.99)),
        Figure("loaded max", "ms", max(times)),
    ]
