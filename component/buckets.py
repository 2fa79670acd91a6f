"""Token buckets, one per address, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Buckets:
    """Lets each key take `burst` tokens at once and `per_minute` over time.

    At most `limit` keys are kept; the one used longest ago is forgotten first and would start full again.
    """

    def __init__(self, per_minute: int, burst: int, limit: int = 50_000) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._limit = limit
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Takes a token; False when there is none. `now` is in seconds and never goes back."""
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._per_second)
        bucket.filled_at = now
        self._buckets[key] = bucket
        if len(self._buckets) > self._limit:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def __len__(self) -> int:
        return len(self._buckets)
