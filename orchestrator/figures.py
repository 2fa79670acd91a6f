"""Figures that PostgreSQL knows, for Prometheus (SPEC 13): what agents have stored, what accounts have left today.

Each orchestrator says the same of the whole hub, so a dashboard takes the greatest, not the sum.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.runtime.series import OTHER
from policy.quota import DAY_S
from registry import figures
from registry.figures import Left, Stored

EVERY_S: Final = 5.0
"""Between two looks, in seconds: more often than Prometheus looks at us."""


class Figures(Collector):
    """Looks, and shows what it saw last. `most` time series of one metric name agents or accounts."""

    def __init__(self, pool: Pool, registry: CollectorRegistry, most: int, clock: Clock, log: Log) -> None:
        self._pool = pool
        self._most = most
        self._clock = clock
        self._log = log
        self._stored: list[Stored] = []
        self._left: list[Left] = []
        registry.register(self)

    async def run(self) -> None:
        """Looks until cancelled. A store that is away leaves the figures as they were."""
        while True:
            try:
                await self.look()
            except (*StoreTrouble, TimeoutError) as away:
                self._log.warning("figures_wait", error=describe(away))
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Once, now. Raises StoreTrouble or TimeoutError."""
        self._stored = await figures.stored(self._pool, self._most)
        day = int(self._clock.now().timestamp()) // DAY_S
        self._left = await figures.tokens_left(self._pool, day, self._most)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What was seen last. Ids beyond the budget are one: together in bytes, the least of them in tokens."""
        memory = GaugeMetricFamily(
            "aiox_memory_bytes", "memories, embeddings and files of an agent", labels=("agent_id", "user_id")
        )
        for one in self._stored:
            memory.add_metric((str(one.agent or OTHER), str(one.owner or OTHER)), one.size)
        yield memory
        quota = GaugeMetricFamily("aiox_quota_remaining", "tokens an account has left today", labels=("user_id",))
        for left in self._left:
            quota.add_metric((str(left.owner or OTHER),), left.tokens)
        yield quota
