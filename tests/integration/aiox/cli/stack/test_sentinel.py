"""Three Redis with a Sentinel each: one leads, another takes its place, and who was lost comes back and follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from aiox.cli.stack import credentials, sentinel
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.processes import Process
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.redis import connect
from aiox.runtime.settings import Cluster, Hosts, Settings
from tests.stack import cut_power, free_ports, twin

NODES = 3
SOON_S = 60.0
KEY = "aiox:test"


@dataclass
class Trio:
    """The Redis and the Sentinel of each home."""

    homes: list[tuple[Home, Settings]]
    nodes: dict[int, Process]
    sentinels: dict[int, Process]

    @property
    def services(self) -> Settings:
        return self.homes[0][1]

    def client(self) -> Redis:
        """As the orchestrator's."""
        return connect(self.services, self.homes[0][0].secrets("orchestrator"), "orchestrator")

    async def leader(self) -> int:
        """The number of the one that leads."""
        port = (await sentinel.leader_of(*self.homes[0]))[1]
        return [settings.ports.redis for _, settings in self.homes].index(port)

    async def written(self, value: str) -> None:
        """Writes until it is taken."""
        client = self.client()
        try:
            async with asyncio.timeout(SOON_S):
                while True:
                    try:
                        await client.set(KEY, value)
                    except (RedisError, OSError):
                        await asyncio.sleep(0.1)
                    else:
                        return
        finally:
            await client.aclose()

    async def until_others_follow(self, leader: int) -> None:
        """Waits until the two others say that they follow this one, and are in step."""
        wanted = self.homes[leader][1].ports.redis
        others = [number for number in range(NODES) if number != leader]
        async with asyncio.timeout(SOON_S):
            while {await self._followed(number) for number in others} != {wanted}:
                await asyncio.sleep(0.1)

    async def _followed(self, number: int) -> int | None:
        """The port of the Redis that this one is in step with."""
        home, settings = self.homes[number]
        async with Redis(
            port=settings.ports.redis, username="sentinel", password=home.secrets("stack").read("redis_sentinel")
        ) as redis:
            try:
                role = await redis.execute_command("ROLE")  # type: ignore[no-untyped-call]
            except (RedisError, OSError):
                return None
        return int(role[2]) if role[0] == b"slave" and role[3] == b"connected" else None


@pytest.fixture
async def trio(tmp_path: Path) -> AsyncIterator[Trio]:
    ports = [free_ports() for _ in range(NODES)]
    hosts = Hosts(sentinels=",".join(f"127.0.0.1:{one.redis_sentinel}" for one in ports))
    redis = ",".join(f"127.0.0.1:{one.redis}" for one in ports)
    homes: list[tuple[Home, Settings]] = []
    for number, own in enumerate(ports, 1):
        cluster = Cluster(redis=redis, redis_node=number)
        settings = Settings(home=tmp_path / str(number), ports=own, hosts=hosts, cluster=cluster)
        homes.append((twin(settings, homes[0][0]) if homes else prepare(settings), settings))
        credentials.ensure(homes[0][0])
    async with AsyncExitStack() as stack:
        found = Trio(homes, {}, {})
        for number, one in enumerate(homes):
            found.nodes[number] = await sentinel.start_node(*one)
            stack.push_async_callback(_ended, found.nodes, number)
        for number, one in enumerate(homes):
            found.sentinels[number] = await sentinel.start(*one)
            stack.push_async_callback(_ended, found.sentinels, number)
        await found.until_others_follow(0)
        yield found


async def _ended(processes: dict[int, Process], number: int) -> None:
    await processes[number].stop()


async def test_another_one_takes_the_place_of_the_one_that_leads(trio: Trio) -> None:
    await trio.written("before")
    assert await trio.leader() == 0
    await cut_power(trio.nodes[0])
    await trio.written("after")
    now = await trio.leader()
    assert now != 0
    trio.nodes[0] = await sentinel.start_node(*trio.homes[0])  # it comes back, and asks who leads
    await trio.until_others_follow(now)
    async with Redis(
        port=trio.services.ports.redis,
        username="orchestrator",
        password=trio.homes[0][0].secrets("orchestrator").read("redis"),
    ) as redis:
        assert await redis.get(KEY) == b"after"
        with pytest.raises(RedisError, match="read only"):
            await redis.set(KEY, "beside")


async def _for_ever(client: Redis, seconds: float) -> None:
    """Writes until it is refused. Raises TimeoutError when it never is."""
    async with asyncio.timeout(seconds):
        while True:
            await client.set(KEY, "alone")
            await asyncio.sleep(0.1)


async def test_one_that_nobody_follows_takes_no_writes(trio: Trio) -> None:
    """Cut off from the others it would count beside the one that they chose."""
    await trio.written("before")
    for number in (0, 1):
        await cut_power(trio.sentinels[number])  # one alone chooses nobody
    for number in (1, 2):
        await cut_power(trio.nodes[number])
    client = trio.client()
    try:
        with pytest.raises(ResponseError, match="NOREPLICAS"):
            await _for_ever(client, SOON_S)
    finally:
        await client.aclose()


async def test_a_service_may_ask_a_sentinel_who_leads_and_nothing_more(trio: Trio) -> None:
    home, settings = trio.homes[0]
    password = home.secrets("gateway").read("redis")
    async with Redis(port=settings.ports.redis_sentinel, username="gateway", password=password) as asked:
        for words in (
            ("SENTINEL", "FAILOVER", "aiox"),
            ("SENTINEL", "SET", "aiox", "quorum", "1"),
            ("SENTINEL", "REMOVE", "aiox"),
            ("SHUTDOWN",),
            ("PUBLISH", "__sentinel__:hello", "x"),
        ):
            with pytest.raises(NoPermissionError):
                await asked.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.mark.control
async def test_control_a_sentinel_s_own_user_may(trio: Trio) -> None:
    home, settings = trio.homes[0]
    password = home.secrets("stack").read("redis_sentinel")
    async with Redis(port=settings.ports.redis_sentinel, username="sentinel", password=password) as asked:
        await asked.execute_command("SENTINEL", "SET", "aiox", "quorum", "1")  # type: ignore[no-untyped-call]


async def test_a_number_beyond_the_list_is_refused_in_words(tmp_path: Path) -> None:
    cluster = Cluster(redis="127.0.0.1:1,127.0.0.1:2", redis_node=3)
    settings = Settings(home=tmp_path, ports=free_ports(), cluster=cluster)
    with pytest.raises(CannotGoOn, match="Mend: say which of them"):
        await sentinel.start_node(prepare(settings), settings)
