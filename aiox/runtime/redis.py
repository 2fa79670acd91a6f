"""Sessions, quota counters, rate limits, short-term memory. Losing it loses no truth."""

from __future__ import annotations

from redis.asyncio import Redis

from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Service, Settings


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
