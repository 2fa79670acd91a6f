"""Agents, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from aiox.kernel.agent import AgentSpec, Descriptor, Visibility
from gateway.schemas.common import Out


class DocumentCounts(Out):
    """How many of an agent's documents are in which state."""

    ready: int
    waiting: int
    failed: int


class AgentInList(Out):
    """An agent in its owner's list."""

    agent_id: UUID
    jid: str
    name: str
    description: str
    visibility: Visibility
    active_version: int
    documents: DocumentCounts
    created_at: datetime


class AgentList(Out):
    """All agents of the signed-in account."""

    items: Sequence[AgentInList]


class CreatedAgent(Out):
    """Where the new agent answers."""

    agent_id: UUID
    jid: str
    version: int
    policy_hash: str


class AgentOut(Out):
    """An agent as its owner sees it."""

    agent_id: UUID
    owner_user_id: UUID
    jid: str
    version: int
    policy_hash: str
    spec: AgentSpec
    system_prompt: str
    shared_with: Sequence[str]
    descriptor: Descriptor
    created_at: datetime
