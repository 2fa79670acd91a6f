"""How often one may do a thing: counters in Redis, one budget for all replicas (SPEC 12)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

WINDOW_S: Final = 60

_COUNT: Final = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('TTL', KEYS[1])}
"""


class RatesUnavailable(Exception):
    """Nothing can be counted right now, so nothing is allowed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a window's budget after this request; `resets_in_s` in seconds. `left` below 0: refused."""

    limit: int
    left: int
    resets_in_s: int


def rate_key(action: str, who: str) -> str:
    """The counter of what `who` asks for; `who` is stored as a digest only."""
    return f"aiox:rate:{action}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"


class Rates:
    """The counters of all replicas."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._count = redis.register_script(_COUNT)

    async def count(self, action: str, who: str, limit: int, window_s: int = WINDOW_S) -> Rate:
        """Counts one request against `limit` in `window_s` seconds. `who` is stored as a digest only.

        An action has one window: it is part of what is counted, not of the key. Raises RatesUnavailable.
        """
        try:
            used, ttl = await self._count(keys=[rate_key(action, who)], args=[window_s])
        except (RedisError, OSError) as gone:
            raise RatesUnavailable(str(gone)) from gone
        return Rate(limit, limit - int(used), max(1, int(ttl)))

    async def answers(self) -> bool:
        """Whether Redis can be reached."""
        try:
            await self._redis.execute_command("PING")  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return False
        return True
