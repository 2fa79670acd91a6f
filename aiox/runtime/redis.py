"""Sessions, quota counters, rate limits, short-term memory. Losing it loses no truth."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ConstantBackoff, NoBackoff
from redis.exceptions import ConnectionError as Refused
from redis.exceptions import RedisError

from aiox.runtime.operation_settings import addresses
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Service, Settings

Client: TypeAlias = Redis
ANSWER_S: Final = 2.0
"""How long a connection, or an answer, is waited for, in seconds. Who has not answered by then is not asked again."""
LED: Final = "aiox"
"""What the Sentinels call the Redis that takes writes."""
_ASK_S: Final = 1.0
_AGAIN_S: Final = 0.2
_TRIES_AGAIN: Final = 2
"""Only after a connection that was refused or broke, as of a Redis that starts anew. The library makes these tries for
the connection and for the command, each within the other.
"""


def connect(settings: Settings, secrets: Secrets, service: Service) -> Redis:
    """A client as this service's user; it connects at first use and comes back by itself.

    Where there are Sentinels they are asked at each new connection which Redis takes writes. A command fails within
    about ANSWER_S: whoever waits for it can still be refused in time.
    """
    user: dict[str, Any] = {
        "username": service,
        "password": secrets.read("redis"),
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
    }
    lasting: dict[str, Any] = {
        **user,
        "health_check_interval": 15,
        "retry": Retry(ConstantBackoff(_AGAIN_S), _TRIES_AGAIN, supported_errors=(Refused,)),
    }
    if not settings.hosts.sentinels:
        return Redis(host=settings.hosts.redis, port=settings.ports.redis, **lasting)
    sentinels = addresses(settings.hosts.sentinels, settings.ports.redis_sentinel)
    watch = Sentinel(sentinels, sentinel_kwargs={**user, "retry": _once()}, **lasting)  # type: ignore[no-untyped-call]
    led: Redis = watch.master_for(LED, redis_class=_Led)
    return led


class _Led(Redis):
    """The one that takes writes. With it the connections end by which Sentinels were asked."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool = self.connection_pool
        for sentinel in pool.sentinel_manager.sentinels if isinstance(pool, SentinelConnectionPool) else ():
            await sentinel.aclose()


async def led_by(host: str, port: int, password: str) -> tuple[str, int] | None:
    """Host and port of the Redis that a Sentinel says takes writes; asked as `stack`. None when it is not there."""
    client = Redis(
        host=host,
        port=port,
        username="stack",
        password=password,
        socket_timeout=_ASK_S,
        socket_connect_timeout=_ASK_S,
        decode_responses=True,
        retry=_once(),
    )
    try:
        found: Any = await client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", LED)  # type: ignore[no-untyped-call]
    except (RedisError, OSError):
        return None
    finally:
        await client.aclose()
    return (str(found[0]), int(found[1])) if found else None


def _once() -> Retry:
    """No second try: there are other Sentinels to ask."""
    return Retry(NoBackoff(), 0)


async def answers(client: Redis) -> bool:
    """Whether Redis can be reached and takes commands."""
    try:
        await client.execute_command("PING")  # type: ignore[no-untyped-call]
    except (RedisError, OSError):
        return False
    return True
