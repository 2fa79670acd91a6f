"""What the steps need from outside, as one parameter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Hub
from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.tools import ToolDescription
from aiox.runtime.clock import Clock
from aiox.runtime.crash import Hook
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool
from aiox.runtime.settings import Settings
from aiox.runtime.telemetry import Telemetry
from orchestrator.cancelling import Cancels
from orchestrator.commits import Commits
from orchestrator.credentials import Credentials
from orchestrator.live import Live
from orchestrator.quota_keeper import QuotaKeeper
from orchestrator.tool_metrics import ToolMetrics
from orchestrator.versions import Versions
from orchestrator.workers.pool import WorkerPool
from policy.scoring import Weights
from registry.policies import PolicyStore
from registry.quotas import Quotas


@dataclass(frozen=True, slots=True)
class Ports:
    """Stores, workers, bus, clock and settings."""

    pool: Pool
    quotas: Quotas
    counters: QuotaKeeper
    """Knows whether what `quotas` counts with is whole."""
    versions: Versions
    credentials: Credentials
    workers: WorkerPool
    commits: Commits
    announce: Callable[[Envelope[OutboxReady]], Awaitable[None]]
    live: Live
    telemetry: Telemetry
    clock: Clock
    settings: Settings
    log: Log
    weights: Weights
    crash: Hook
    """Called at every durable step; does nothing but in tests."""
    cancels: Cancels
    quarantine: asyncio.Lock
    """Held by a turn that was in somebody's hands at two crashes: such turns run alone."""
    hub: Hub
    """What commands run on."""
    tool_metrics: ToolMetrics
    resubmit: Resubmit
    """Puts a message on the bus again: a held turn that goes on."""

    @property
    def policies(self) -> PolicyStore:
        """What this process knows of the policies that hold."""
        return self.hub.policies

    @property
    def known_tools(self) -> Mapping[str, ToolDescription]:
        """The hub's tool registry, by name."""
        return self.hub.tools
