"""Load: XMPP clients that ask one question at a time and time the answer."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slixmpp import ClientXMPP
from slixmpp.stanza import Message

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


class LightClient(ClientXMPP):
    """One account, one conversation, one question at a time."""

    def __init__(self, login: Login) -> None:
        super().__init__(login.jid, login.password, sasl_mech="SCRAM-SHA-256")
        self._login = login
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[str] | None = None
        self.ssl_context = ssl.create_default_context(cafile=str(login.ca))
        self.add_event_handler("session_start", self._started)
        self.add_event_handler("failed_auth", self._refused)
        self.add_event_handler("message", self._received)
        self.add_event_handler("message_error", self._bounced)

    async def log_in(self) -> None:
        """Connects and sends presence. Raises TimeoutError, or NoAnswer when the password is refused."""
        self.connect("127.0.0.1", self._login.port)
        async with asyncio.timeout(ANSWER_BUDGET_S):
            await self._ready

    async def ask(self, agent: str, question: str) -> float:
        """Sends a question and waits for its answer. Returns milliseconds. Raises NoAnswer."""
        self._answer = asyncio.get_running_loop().create_future()
        message = self.make_message(mto=agent, mbody=question, mtype="chat")
        message["id"] = message["origin_id"]["id"] = self.new_id()
        started = time.perf_counter()
        message.send()
        try:
            async with asyncio.timeout(ANSWER_BUDGET_S):
                answer = await self._answer
        except TimeoutError:
            raise NoAnswer(f"{self.boundjid.bare} got no answer within {ANSWER_BUDGET_S:.0f} s") from None
        took = time.perf_counter() - started
        if question not in answer:
            raise NoAnswer(f"{agent} answered something else: {answer[:200]}")
        return took * 1000

    def _started(self, _event: Any) -> None:
        self.send_presence()
        if not self._ready.done():
            self._ready.set_result(None)

    def _refused(self, _event: Any) -> None:
        if not self._ready.done():
            self._ready.set_exception(NoAnswer(f"{self._login.jid} was not let in"))

    def _received(self, message: Message) -> None:
        if message["type"] != "error" and message["body"] and self._answer is not None and not self._answer.done():
            self._answer.set_result(message["body"])

    def _bounced(self, message: Message) -> None:
        if self._answer is not None and not self._answer.done():
            error = message["error"]
            self._answer.set_exception(NoAnswer(f"{error['condition']}: {error['text']}"))


async def connected(logins: list[Login]) -> list[LightClient]:
    """Clients that are logged in, one after the other."""
    clients = []
    for login in logins:
        client = LightClient(login)
        client.register_plugin("xep_0359")
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
