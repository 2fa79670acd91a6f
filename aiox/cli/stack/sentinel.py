"""Redis as several: one leads, the others follow it, and a Sentinel beside each watches. Two of three agree on another.

A Redis of several takes no writes while none follows it: cut off from the others, it does not count beside the one
that they chose in its place. What it had not handed on is lost, as after a crash; the counters are rebuilt
(docs/durability.md).
"""

from __future__ import annotations

import signal
from collections import Counter
from typing import Final

from aiox.cli.stack import redis
from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.operation_settings import addresses
from aiox.runtime.redis import LED, led_by
from aiox.runtime.settings import Settings

QUORUM: Final = 2
"""So many Sentinels must miss the one that leads."""
DOWN_MS: Final = 1500
FAILOVER_MS: Final = 6000
REPLICA: Final = "replica"
WATCH: Final = "sentinel"
_NODE: Final = """\
masteruser {replica}
masterauth {replica_password}
replica-announce-ip {host}
replica-announce-port {port}
min-replicas-to-write 1
min-replicas-max-lag 5
repl-diskless-sync-delay 0
"""
_SENTINEL: Final = """\
# Written at every start; the Sentinel writes into it while it runs.
bind {listen}
port {port}
protected-mode yes
dir "{folder}"
aclfile "{acl}"
daemonize no
logfile ""
set-proc-title no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel sentinel-user {watch}
sentinel sentinel-pass {password}
sentinel monitor {led} {leader} {quorum}
sentinel auth-user {led} {watch}
sentinel auth-pass {led} {password}
sentinel down-after-milliseconds {led} {down_ms}
sentinel failover-timeout {led} {failover_ms}
sentinel parallel-syncs {led} 2
"""
_WATCHES: Final = (
    "&* -@all +ping +info +role +multi +exec +slaveof +replicaof +subscribe +publish +config|rewrite +client|setname"
    " +client|kill +script|kill"
)
"""What a Sentinel does at a Redis (redis.io, Sentinel, "Redis Access Control List authentication")."""
_AMONG_THEMSELVES: Final = "&* -@all +ping +info +publish +subscribe +client|setname +sentinel"
_ASKS: Final = {
    **dict.fromkeys(("orchestrator", "gateway"), "+sentinel|masters +sentinel|get-master-addr-by-name"),
    "stack": "+ping +sentinel|get-master-addr-by-name",
}


async def start_node(home: Home, settings: Settings) -> Process:
    """Starts the Redis of this home as one of `cluster.redis`: it follows the one that leads now. Raises CannotGoOn."""
    nodes = addresses(settings.cluster.redis, settings.ports.redis)
    if settings.cluster.redis_node > len(nodes):
        raise CannotGoOn(
            f"cluster.redis_node is {settings.cluster.redis_node}, and cluster.redis names {len(nodes)}."
            " Mend: say which of them this Redis is"
        )
    own = nodes[settings.cluster.redis_node - 1]
    leader = await leader_of(home, settings)
    secrets = home.secrets("stack")
    replica, watch = secrets.read("redis_replica"), secrets.read("redis_sentinel")
    more = _NODE.format(replica=REPLICA, replica_password=replica, host=own[0], port=own[1])
    if leader != own:
        more += f"replicaof {leader[0]} {leader[1]}\n"
    users = (
        f"user {REPLICA} on #{redis.digest(replica)} -@all +psync +replconf +ping",
        f"user {WATCH} on #{redis.digest(watch)} {_WATCHES}",
    )
    return await redis.start(home, settings.ports.redis, settings.hosts.listen, more, users)


async def start(home: Home, settings: Settings) -> Process:
    """Starts a Sentinel and waits until it answers."""
    folder, password = home.part("sentinel"), home.secrets("stack").read("redis_sentinel")
    users = [
        redis.render_users(home, _ASKS, {one: f" {rights}" for one, rights in _ASKS.items()}),
        f"user {WATCH} on #{redis.digest(password)} {_AMONG_THEMSELVES}",
        "",
    ]
    host, port = await leader_of(home, settings)
    text = _SENTINEL.format(
        listen=settings.hosts.listen,
        port=settings.ports.redis_sentinel,
        folder=folder,
        acl=private_file(folder / "users.acl", "\n".join(users)),
        watch=WATCH,
        password=password,
        led=LED,
        leader=f"{host} {port}",
        quorum=QUORUM,
        down_ms=DOWN_MS,
        failover_ms=FAILOVER_MS,
    )
    config = private_file(folder / "sentinel.conf", text)
    program = Program(
        name="sentinel",
        title="Redis Sentinel",
        command=("redis-server", str(config), "--sentinel"),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
    )
    return await redis.run_server(program, home, settings.ports.redis_sentinel)


async def leader_of(home: Home, settings: Settings) -> tuple[str, int]:
    """Host and port of the Redis that most Sentinels say leads; the first of `cluster.redis` when none answers."""
    password, said = home.secrets("stack").read("redis"), Counter[tuple[str, int]]()
    for host, port in addresses(settings.hosts.sentinels, settings.ports.redis_sentinel):
        if (one := await led_by(host, port, password)) is not None:
            said[one] += 1
    return said.most_common(1)[0][0] if said else addresses(settings.cluster.redis, settings.ports.redis)[0]
