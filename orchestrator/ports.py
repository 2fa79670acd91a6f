"""What the steps need from outside, as one parameter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from aiox.commands.attach_file import Fetch
from aiox.commands.dead_letters import Resubmit
from aiox.commands.hub import Hub
from aiox.kernel.envelope import Attachment, Envelope, OutboxReady
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.tools import ToolDescription
from aiox.runtime.clock import Clock
from aiox.runtime.crash import Hook
from aiox.runtime.desk import Ask
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool
from aiox.runtime.settings import Settings
from aiox.runtime.telemetry import Telemetry
from orchestrator.backlog import Backlog
from orchestrator.cancelling import Cancels
from orchestrator.commits import Commits
from orchestrator.credentials import Credentials
from orchestrator.far_agents import FarAgents
from orchestrator.known_agents import KnownAgents
from orchestrator.live import Live
from orchestrator.proofs import AgentAnswered, AgentAsked, Dispatched
from orchestrator.quota_keeper import QuotaKeeper
from orchestrator.tool_metrics import ToolMetrics
from orchestrator.turn_metrics import TurnMetrics
from orchestrator.turnstile import Turnstile
from orchestrator.versions import Versions
from orchestrator.workers.pool import WorkerPool
from policy.scoring import Weights
from registry.policies import PolicyStore
from registry.quotas import Quotas

FILES_AT_ONCE: Final = 2
"""Files that are got and stored at a time."""
REGISTRY_PLACES: Final = 4
"""Half of the connections of a pool: the rest is for what ends turns."""


@dataclass(frozen=True, slots=True)
class ChatFiles:
    """Files that come with messages, and links to those that go out."""

    fetch: Fetch
    """Gets a file that somebody links to."""
    link: Callable[[Dispatched, datetime], Attachment | None]
    """A link to the whole of a long answer."""
    url: Callable[[OwnerId, UUID, datetime], str]
    """What opens a document of this owner for some hours."""
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES_AT_ONCE))
    """Held while a file is got and stored: each may be large."""


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
    agents: KnownAgents
    backlog: Backlog
    """Before everything, for what no worker will have a place for soon."""
    commits: Commits
    announce: Callable[[Envelope[OutboxReady]], Awaitable[None]]
    live: Live
    telemetry: Telemetry
    clock: Clock
    settings: Settings
    log: Log
    crash: Hook
    """Called at every durable step; does nothing but in tests."""
    cancels: Cancels
    hub: Hub
    """What commands run on."""
    tool_metrics: ToolMetrics
    concluded: Callable[[Dispatched], None]
    """Told of each turn that ran and is concluded; never waits."""
    resubmit: Resubmit
    """Puts a message on the bus again: a held turn that goes on."""
    files: ChatFiles
    desk: Ask
    """Has a command done that this process's role may not do. Raises DeskAway."""
    ask_agent: Callable[[Ports, AgentAsked], Awaitable[AgentAnswered]]
    """Asks another agent in the middle of a turn. Raises LeaseLost; what fails is told as an answer."""
    start_afresh: Callable[[OwnerId, AgentId, Sequence[str]], Awaitable[None]]
    """Forgets the conversations of an agent with these addresses. Raises what Redis raises."""
    turn_metrics: TurnMetrics = field(default_factory=TurnMetrics)
    turnstile: Turnstile = field(default_factory=partial(Turnstile, lambda: REGISTRY_PLACES))
    """Before the registry, for what comes in: what a turn asks of PostgreSQL takes the longer the more ask."""
    weights: Weights = field(default_factory=Weights)
    far: FarAgents = field(default_factory=FarAgents)
    """Hears what agents of other hubs answer."""
    quarantine: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by a turn that was in somebody's hands at two crashes: such turns run alone."""

    @property
    def policies(self) -> PolicyStore:
        """What this process knows of the policies that hold."""
        return self.hub.policies

    @property
    def known_tools(self) -> Mapping[str, ToolDescription]:
        """The hub's tool registry, by name."""
        return self.hub.tools
