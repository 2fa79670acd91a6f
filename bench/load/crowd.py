"""Many people who follow a plan, all in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.light_client import Login
from bench.load.journal import Message
from bench.load.person import Person
from bench.load.plan import Planned

LOGIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Member:
    """Who takes part: an account and the agents it talks to."""

    login: Login
    agents: Sequence[str]


class Crowd:
    """People who are online. Made by `crowd`."""

    def __init__(self, members: Sequence[Member], people: Sequence[Person]) -> None:
        self.members = members
        self.people = people

    async def follow(self, planned: Sequence[Planned], started: float | None = None) -> None:
        """Says everything at its time, whether or not anything was answered: an open loop."""
        start = time.monotonic() if started is None else started
        for message in planned:
            wait = start + message.at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            agent = self.members[message.person].agents[message.agent]
            self.people[message.person].say(message.id, agent, message.text, start + message.at)

    def messages(self) -> list[Message]:
        """Everything said so far."""
        return [message for person in self.people for message in person.journal.messages.values()]

    def unreceipted(self) -> int:
        """How many messages have no receipt now."""
        return sum(len(person.journal.open) for person in self.people)

    def unanswered(self) -> int:
        """How many messages have heard neither an answer nor, after their receipt, an error."""
        return sum(not message.answered for message in self.messages())

    async def receipted(self, seconds: float) -> bool:
        """Waits until all messages are receipted; False when time is up."""
        return await _until(lambda: not self.unreceipted(), seconds)

    async def answered(self, seconds: float) -> bool:
        """Waits until all messages are answered; False when time is up."""
        return await _until(lambda: not self.unanswered(), seconds)


async def _until(done: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    return True


@asynccontextmanager
async def crowd(members: Sequence[Member], resend: bool = True) -> AsyncIterator[Crowd]:
    """Logs everybody in; out again in the end. Raises TimeoutError when somebody is not let in within a minute.

    Without `resend` each message is sent once, whatever becomes of it: what is offered stays what was planned.
    """
    people = [Person(member.login, time.monotonic, resend) for member in members]
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(person.run(), name=person.login.jid) for person in people]
        try:
            async with asyncio.timeout(LOGIN_S):
                for person in people:
                    await person.online.wait()
            yield Crowd(members, people)
        finally:
            for task in running:
                task.cancel()
