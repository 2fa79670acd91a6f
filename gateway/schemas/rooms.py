"""Rooms of agents, what people think of answers, and answers that were taken back, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gateway.schemas.common import Out
from registry.rooms import RoomState


class RoomOut(Out):
    """A room. `whole_context`: what is said to others there is read, too."""

    jid: str
    nick: str
    whole_context: bool
    state: RoomState
    created_at: datetime


class RoomList(Out):
    """All rooms of an agent."""

    items: Sequence[RoomOut]


class VersionReactionsOut(Out):
    """How many answers of a version people like, and how many they do not."""

    version: int
    good: int
    bad: int


class ReactionList(Out):
    """By version, the newest first."""

    items: Sequence[VersionReactionsOut]


class RetractedOut(Out):
    """`told`: whether who got the answer is told."""

    execution_id: UUID
    told: bool
