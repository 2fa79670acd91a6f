"""Sessions, quota counters, rate limits, short-term memory. Losing it loses no truth."""

from __future__ import annotations

from typing import TypeAlias

from redis.asyncio import Redis
from redis.exceptions import RedisError

from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Service, Settings

Client: TypeAlias = Redis


def connect(settings: Settings, secrets: Secrets, service: Service) -> Redis:
    """A client as this service's user; it connects at first use and comes back by itself."""
    return Redis(
        host="127.0.0.1",
        port=settings.ports.redis,
        username=service,
        password=secrets.read("redis"),
        socket_timeout=2.0,
        socket_connect_timeout=2.0,
        health_check_interval=15,
    )


async def answers(client: Redis) -> bool:
    """Whether Redis can be reached and takes commands."""
    try:
        await client.execute_command("PING")  # type: ignore[no-untyped-call]
    except (RedisError, OSError):
        return False
    return True
