"""Exchanges between two hubs while what lies between them breaks: what was receipted is answered once.

People of the second hub talk to agents of the first. Each says one thing after the other, and says it again, under the
same id, until it is receipted: as clients do. Counted are the answers that came to the clients, those in their archive,
and what the first hub's ledger and executions say.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

from aiox.cli.chat.client import RECEIPTS
from aiox.cli.chat.stream import CLIENT, Stream
from aiox.commands.create_agent import AgentCreated
from aiox.kernel.ids import derived_id, turn_id_of
from tests.e2e.database import superuser
from tests.e2e.neighbours import Neighbours
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, body_of, online, shape
from tests.stack import Account, RunningHub

ECHO = "echo: "
FOR_NOW = ("remote-server-", "RATE_LIMITED", "HUB_BUSY")
"""Errors that say nothing final: a server that cannot be reached, and more than is taken now. Perhaps one of the times
that it was said came through all the same.
"""
AT_ONCE = 200
PATIENCE_S = 120.0
"""For one answer, beside the time that nothing goes through."""


@dataclass(frozen=True)
class Break:
    """For so many seconds nothing goes through, or so few bytes a second; `cut`: what was on its way is gone then."""

    seconds: float
    cut: bool
    slow: float = 0.0


@dataclass(frozen=True)
class Said:
    """One thing that somebody said to an agent."""

    sender: str
    agent: str
    id: str
    body: str

    @property
    def correlation_id(self) -> UUID:
        return derived_id(turn_id_of(self.sender, self.agent, self.id, self.body), "correlation")


class Talker:
    """Somebody at a client that counts."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.receipted: set[str] = set()
        self.answers: Counter[str] = Counter()
        """By the text of the answer."""
        self.refused: dict[str, str] = {}
        """What came back, by the id of what was said."""
        self._stream: Stream | None = None

    @asynccontextmanager
    async def at(self, hub: RunningHub) -> AsyncIterator[Talker]:
        """Logged in."""
        ca_file, port = hub.home.secrets("xmpp").path("ca.crt"), hub.settings.ports.xmpp_client
        self._stream = Stream(self.account.jid, self.account.password, "127.0.0.1", port, ca_file, self._take)
        await self._stream.open()
        try:
            yield self
        finally:
            await self._stream.close()

    def _take(self, message: Element) -> None:
        if message.get("type") == "error":
            said = shape(message, hide=())
            if not any(word in said for word in FOR_NOW):
                self.refused[message.get("id", "")] = said
        elif (received := message.find(f"{{{RECEIPTS}}}received")) is not None:
            self.receipted.add(received.get("id", ""))
        elif body_of(message).startswith(ECHO):
            self.answers[body_of(message)] += 1

    async def tell(self, said: Said, again_s: float, patience_s: float) -> int:
        """Says it until it is receipted, and waits for the answer; how often it had to be said."""
        assert self._stream is not None
        thread, body, wants = (Element(name) for name in _PARTS)
        thread.text, body.text = said.id, said.body
        times = 0
        async with asyncio.timeout(patience_s):
            while not self._is_heard(said):
                self._stream.send(said.agent, said.id, [body, thread, wants])
                times += 1
                await _until(lambda: self._is_heard(said), again_s)
            while not self.answers[ECHO + said.body]:
                assert said.id not in self.refused, self.refused[said.id]
                await asyncio.sleep(0.05)
        return times

    def _is_heard(self, said: Said) -> bool:
        return said.id in self.receipted or self.answers[ECHO + said.body] > 0


_PARTS = (f"{{{CLIENT}}}thread", f"{{{CLIENT}}}body", f"{{{RECEIPTS}}}request")


async def _until(so: Callable[[], bool], seconds: float) -> None:
    """Waits for something to be so, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not so():
                await asyncio.sleep(0.05)


_EXECUTED = """
    SELECT correlation_id, count(*) AS times FROM executions
    WHERE outcome <> 'summarised' GROUP BY correlation_id"""
"""The summary of a long conversation is no turn, and has the correlation id of its last one."""
_CONCLUDED = """
    SELECT correlation_id, count(*) AS times FROM audit_logs
    WHERE event_type = 'turn.concluded' GROUP BY correlation_id"""


@dataclass
class Round:
    """People of the second hub and agents of the first: as many conversations as pairs of them.

    And one person more, who says something within each break: so there is always something on its way.
    """

    hubs: Neighbours
    talkers: Sequence[Talker]
    latecomer: Talker
    agents: Sequence[AgentCreated]
    again_s: float
    patience_s: float
    said: list[Said] = field(default_factory=list)
    answered: int = 0
    times: int = 0
    """How often something was said: more often than there is to say, when the way broke."""

    async def talk(self, exchanges: int, breaks: Sequence[Break]) -> None:
        """All exchanges, while the way breaks in their middle. Raises TimeoutError when one is not answered."""
        pairs = [(one, agent) for one in self.talkers for agent in self.agents]
        assert exchanges % len(pairs) == 0
        async with AsyncExitStack() as stack:
            for one in (*self.talkers, self.latecomer):
                await stack.enter_async_context(one.at(self.hubs.b))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._break(exchanges, breaks))
                for one, agent in pairs:
                    group.create_task(self._converse(one, agent, exchanges // len(pairs)))
            await self.settled()

    async def _converse(self, talker: Talker, agent: AgentCreated, exchanges: int) -> None:
        for _ in range(exchanges):
            number = str(uuid4())
            said = Said(talker.account.jid, agent.jid, number, f"What of {number}?")
            self.said.append(said)
            times = await talker.tell(said, self.again_s, self.patience_s)
            self.times += times
            self.answered += 1

    async def _break(self, exchanges: int, breaks: Sequence[Break]) -> None:
        for number, one in enumerate(breaks, 1):
            due = exchanges * number // (len(breaks) + 1)
            while self.answered < due:
                await asyncio.sleep(0.01)
            for way in self.hubs.ways:
                way.hinder(one.slow)
            meant = asyncio.create_task(self._converse(self.latecomer, self.agents[0], 1))
            await asyncio.gather(asyncio.sleep(one.seconds), self._others_are_answered())
            for way in self.hubs.ways:
                way.go_on(cut=one.cut)
            await meant

    async def _others_are_answered(self) -> None:
        """Meanwhile people of the first hub talk as ever."""
        async with online(self.hubs.a, await self.hubs.a.account(quota=ROOMY_ACCOUNT)) as person:
            assert await answer_to(person, self.agents[0].jid, "And I?")

    async def settled(self) -> None:
        """Waits until the first hub has nothing left to send: from then on nothing comes twice."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with superuser(self.hubs.a) as connection:
                    if not await connection.fetchval("SELECT count(*) FROM outbox WHERE sent_at IS NULL"):
                        return
                await asyncio.sleep(0.2)

    async def harms(self) -> list[str]:
        """What was lost or doubled: at the clients, in their archive, in the first hub's records. Empty: nothing."""
        came = Counter[str]()
        for talker in (*self.talkers, self.latecomer):
            came += talker.answers
        kept, done, concluded = await self._kept(), await self._done(_EXECUTED), await self._done(_CONCLUDED)
        found = []
        for one in self.said:
            counts = {
                "came": came[ECHO + one.body],
                "archived": kept[ECHO + one.body],
                "executed": done[one.correlation_id],
                "on record": concluded[one.correlation_id],
            }
            found += [f"{one.body} {what}: {count}" for what, count in counts.items() if count != 1]
        return found

    async def _kept(self) -> Counter[str]:
        """Answers in the archive of the second hub, by their text."""
        async with superuser(self.hubs.b, "ejabberd") as connection:
            rows = await connection.fetch("SELECT txt, count(*) AS times FROM archive GROUP BY txt")
        return Counter({str(row["txt"]): int(row["times"]) for row in rows})

    async def _done(self, records: str) -> Counter[UUID]:
        """Turns by their correlation id."""
        async with superuser(self.hubs.a) as connection:
            rows = await connection.fetch(records)
        return Counter({row["correlation_id"]: int(row["times"]) for row in rows})


async def round_of(hubs: Neighbours, people: int, agents: int, *, again_s: float, patience_s: float) -> Round:
    """New people and agents, and the way between the hubs open. The peer must be let in to spend."""
    roomy = {**ROOMY_ACCOUNT, "tokens_per_day": 100_000_000, "max_concurrent_requests": AT_ONCE}
    owner = await hubs.a.account(quota=roomy)
    limits = {**ROOMY, "max_tokens_per_day": 100_000_000, "max_concurrent": AT_ONCE}
    made = [await hubs.a.agent(owner, visibility="public", governance=limits) for _ in range(agents)]
    talkers = [Talker(await hubs.b.account()) for _ in range(people)]
    return Round(hubs, talkers, Talker(await hubs.b.account()), made, again_s, patience_s)


def breaks_of(seed: int, count: int, longest_s: float) -> list[Break]:
    """So many short ones, cut and uncut, and in their middle a long one that is cut."""
    chance = random.Random(seed)
    found = [Break(chance.uniform(0.5, 12.0), chance.random() < 0.5) for _ in range(count)]
    return [*found[: count // 2], Break(longest_s, cut=True), *found[count // 2 :]]
