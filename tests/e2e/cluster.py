"""A hub whose stores are several, on this machine, with people who talk: bus, Redis with Sentinels, two databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiox.cli.stack import ejabberd, nats, postgres, sentinel, standby
from aiox.cli.stack.home import Home
from aiox.cli.stack.processes import Process
from aiox.runtime.logs import configure_logs
from aiox.runtime.settings import Cluster, Hosts, Settings
from bench.stub_model import stub_model
from tests.chaos.keeper import Keeper, kept_hub
from tests.chaos.readers import superuser
from tests.chaos.traffic import Traffic, joined
from tests.e2e.nats_view import stream_leader
from tests.stack import cut_power, free_ports, twin

NODES: Final = 3
SERVERS: Final = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
SOON_S: Final = 120.0
SETTLE_S: Final = 240.0
"""What a lost node had delivered and was not acknowledged comes again after a minute."""


@dataclass
class Several:
    """The stores of a kept hub that are several. Set up by `begin`."""

    folder: Path
    nodes: list[tuple[Home, Settings]] = field(default_factory=list)
    redis: list[tuple[Home, Settings]] = field(default_factory=list)
    """Each with a Sentinel."""
    servers: list[tuple[Home, Settings]] = field(default_factory=list)
    """Of XMPP: at one address each, all on the same ports."""
    second: tuple[Home, Settings] | None = None
    running: dict[str, Process] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self, keeper: Keeper) -> None:
        """In the place of `Keeper.start`."""
        self._plan(keeper)
        keeper.always("nats", lambda: nats.start(*self.nodes[0]))
        await asyncio.gather(keeper.run("nats"), *(self._node(number) for number in range(1, NODES)))
        await self._redis(keeper)
        await self._databases(keeper)
        await self._servers(keeper)
        await keeper.start(("orchestrator", "ai_worker", "component"))

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process in self.running.values()))

    async def lose_node(self, keeper: Keeper, number: int) -> int:
        """Ends the node of the bus that leads as a power cut would; who leads in its place. Then it comes back."""
        if number == 0:
            keeper._watches.pop("nats").cancel()
            await cut_power(keeper._processes.pop("nats"))
        else:
            await cut_power(self.running.pop(f"nats-{number}"))
        async with asyncio.timeout(SOON_S):
            while (leads := await self.leader((number + 1) % NODES)) in (None, number):
                await asyncio.sleep(0.2)
        if number == 0:
            await keeper.run("nats")
        else:
            await self._node(number)
        assert leads is not None
        return leads

    async def lose_server(self, keeper: Keeper, number: int) -> None:
        """Ends an XMPP server as a power cut would; a while later it is there again."""
        if number == 0:
            keeper.kill("ejabberd")
            await keeper.whole()
        else:
            await cut_power(self.running.pop(f"ejabberd-{number}"))
            self.running[f"ejabberd-{number}"] = await ejabberd.start(*self.servers[number])

    async def redis_leader(self) -> int:
        """The number of the Redis that leads now."""
        port = (await sentinel.leader_of(*self.redis[0]))[1]
        return [settings.ports.redis for _, settings in self.redis].index(port)

    async def lose_redis(self, keeper: Keeper, number: int) -> None:
        """Ends a Redis as a power cut would, and its Sentinel, until another one leads; then both come back."""
        await cut_power(self.running.pop(f"sentinel-{number}"))
        if number == 0:
            keeper._watches.pop("redis").cancel()
            await cut_power(keeper._processes.pop("redis"))
        else:
            await cut_power(self.running.pop(f"redis-{number}"))
        watcher = self.redis[(number + 1) % NODES]
        lost = self.redis[number][1].ports.redis
        async with asyncio.timeout(SOON_S):
            while (await sentinel.leader_of(*watcher))[1] == lost:
                await asyncio.sleep(0.1)
        if number == 0:
            await keeper.run("redis")
        else:
            self.running[f"redis-{number}"] = await sentinel.start_node(*self.redis[number])
        self.running[f"sentinel-{number}"] = await sentinel.start(*self.redis[number])

    async def lose_first(self, keeper: Keeper) -> None:
        """The first database ends for good."""
        keeper._watches.pop("postgres").cancel()
        process = keeper._processes.pop("postgres")
        await cut_power(process)

    async def follow_second(self, keeper: Keeper) -> None:
        """The XMPP servers, and who reads the stores for the checker, go to the promoted one."""
        assert self.second is not None
        port = self.second[1].ports.postgres
        ports = keeper.settings.ports.model_copy(update={"postgres": port})
        keeper.settings = keeper.settings.model_copy(update={"ports": ports})
        moved = {"ports": ports}
        self.servers = [(home, settings.model_copy(update=moved)) for home, settings in self.servers]
        await keeper.replace("ejabberd")
        for number in range(1, NODES):
            await self.running.pop(f"ejabberd-{number}").stop()
            self.running[f"ejabberd-{number}"] = await ejabberd.start(*self.servers[number])

    async def leader(self, asked: int = 0) -> int | None:
        """The number of the node that leads the inbound stream now, as another one says; None while they choose."""
        names: list[str | None] = [settings.cluster.node for _, settings in self.nodes]
        leads = await stream_leader(*self.nodes[asked])
        return names.index(leads) if leads is not None else None

    def _plan(self, keeper: Keeper) -> None:
        ports = [keeper.settings.ports, *(free_ports() for _ in range(NODES - 1))]
        routes = ",".join(f"127.0.0.1:{one.nats_cluster}" for one in ports)
        keeper.environment["AIOX_HOSTS__NATS"] = ",".join(f"127.0.0.1:{one.nats}" for one in ports)
        for number, own in enumerate(ports):
            settings = keeper.settings.model_copy(
                update={"ports": own, "cluster": Cluster(node=f"nats-{number + 1}", nats=routes)}
            )
            home = keeper.home if number == 0 else self._home(keeper, f"nats-{number + 1}", settings)
            self.nodes.append((home, settings))
        hosts = Hosts(sentinels=",".join(f"127.0.0.1:{one.redis_sentinel}" for one in ports))
        all_redis = ",".join(f"127.0.0.1:{one.redis}" for one in ports)
        keeper.environment["AIOX_HOSTS__SENTINELS"] = hosts.sentinels
        for number, own in enumerate(ports):
            cluster = Cluster(redis=all_redis, redis_node=number + 1)
            settings = keeper.settings.model_copy(update={"ports": own, "cluster": cluster, "hosts": hosts})
            home = keeper.home if number == 0 else self._home(keeper, f"redis-{number + 1}", settings)
            self.redis.append((home, settings))
        for number in range(NODES):
            here = Hosts(xmpp=SERVERS[number], listen=SERVERS[number])
            cluster = Cluster(xmpp=",".join(SERVERS), xmpp_node=number + 1)
            settings = keeper.settings.model_copy(update={"cluster": cluster, "hosts": here})
            home = keeper.home if number == 0 else self._home(keeper, f"ejabberd-{number + 1}", settings)
            self.servers.append((home, settings))
        keeper.environment["AIOX_HOSTS__XMPP"] = ",".join(SERVERS)
        second = free_ports()
        first = f"127.0.0.1:{keeper.settings.ports.postgres}"
        settings = keeper.settings.model_copy(update={"ports": second, "cluster": Cluster(replica_of=first)})
        self.second = self._home(keeper, "postgres-2", settings), settings
        keeper.environment["AIOX_HOSTS__POSTGRES"] = f"{first},127.0.0.1:{second.postgres}"

    def _home(self, keeper: Keeper, name: str, settings: Settings) -> Home:
        return twin(settings.model_copy(update={"home": self.folder / name}), keeper.home)

    async def _node(self, number: int) -> None:
        self.running[f"nats-{number}"] = await nats.start(*self.nodes[number])

    async def _redis(self, keeper: Keeper) -> None:
        keeper.always("redis", lambda: sentinel.start_node(*self.redis[0]))
        await keeper.run("redis")
        for number in range(1, NODES):
            self.running[f"redis-{number}"] = await sentinel.start_node(*self.redis[number])
        for number in range(NODES):
            self.running[f"sentinel-{number}"] = await sentinel.start(*self.redis[number])

    async def _servers(self, keeper: Keeper) -> None:
        keeper.always("ejabberd", lambda: ejabberd.start(*self.servers[0]))
        await keeper.run("ejabberd")
        for number in range(1, NODES):
            self.running[f"ejabberd-{number}"] = await ejabberd.start(*self.servers[number])

    async def _databases(self, keeper: Keeper) -> None:
        assert self.second is not None
        log = configure_logs("cluster", "INFO")
        paired = Cluster(standby=f"127.0.0.1:{self.second[1].ports.postgres}")
        first = keeper.settings.model_copy(update={"cluster": paired})
        keeper.always("postgres", lambda: standby.start(keeper.home, first))
        await keeper.run("postgres")
        await postgres.migrate(keeper.home, keeper.settings.ports.postgres)
        self.running["postgres-2"] = await standby.start(*self.second)
        for home, settings in ((keeper.home, first), self.second):
            self.tasks.append(asyncio.create_task(standby.keep_in_step(home, settings, log)))
        async with asyncio.timeout(SOON_S):
            while not await in_step(keeper):
                await asyncio.sleep(0.2)


async def in_step(keeper: Keeper) -> bool:
    """Whether a commit waits for the follower."""
    async with superuser(keeper.home, keeper.settings) as connection:
        return bool(await connection.fetchval("SHOW synchronous_standby_names"))


@asynccontextmanager
async def several(folder: Path) -> AsyncIterator[Several]:
    """Its `begin` starts a kept hub's stores and services."""
    found = Several(folder)
    try:
        yield found
    finally:
        await found.end()


@asynccontextmanager
async def talking(folder: Path) -> AsyncIterator[tuple[Traffic, Several]]:
    """A hub on such stores, and eight people in forty conversations."""
    async with (
        stub_model(latency_ms=50, keep_requests=False) as model,
        several(folder) as stores,
        kept_hub(model.url, stores.begin) as keeper,
        joined(keeper, model, 5, 8, 40, hosts=SERVERS) as running,
    ):
        yield running, stores
