"""Sessions, quota counters, rate limits, short-term memory. Losing it loses no truth."""

from __future__ import annotations

from typing import Final, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as Refused
from redis.exceptions import RedisError

from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Service, Settings

Client: TypeAlias = Redis
ANSWER_S: Final = 2.0
"""How long a connection, or an answer, is waited for, in seconds. Who has not answered by then is not asked again."""
_AGAIN_S: Final = 0.2
_TRIES_AGAIN: Final = 2
"""Only after a connection that was refused or broke, as of a Redis that starts anew. The library makes these tries for
the connection and for the command, each within the other.
"""


def connect(settings: Settings, secrets: Secrets, service: Service) -> Redis:
    """A client as this service's user; it connects at first use and comes back by itself.

    A command fails within about ANSWER_S: whoever waits for it can still be refused in time.
    """
    return Redis(
        host=settings.hosts.redis,
        port=settings.ports.redis,
        username=service,
        password=secrets.read("redis"),
        socket_timeout=ANSWER_S,
        socket_connect_timeout=ANSWER_S,
        health_check_interval=15,
        retry=Retry(ConstantBackoff(_AGAIN_S), _TRIES_AGAIN, supported_errors=(Refused,)),
    )


async def answers(client: Redis) -> bool:
    """Whether Redis can be reached and takes commands."""
    try:
        await client.execute_command("PING")  # type: ignore[no-untyped-call]
    except (RedisError, OSError):
        return False
    return True
