"""Short-term memory entries: one per turn, encrypted with the tenant's key (registry/quotas carries them to Redis).

An entry is the 16 bytes of the turn's id, then the sealed JSON of both texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.runtime.keyring import KeyRing, Place


@dataclass(frozen=True, slots=True)
class PastTurn:
    """What was said and what was answered."""

    user: str
    assistant: str


def seal_entry(ring: KeyRing, owner: OwnerId, agent: AgentId, subject: str, turn: TurnId, past: PastTurn) -> bytes:
    """The bytes to store."""
    text = json.dumps([past.user, past.assistant], ensure_ascii=False).encode()
    return turn.bytes + ring.seal(text, _place(owner, agent, subject, turn))


def open_entry(ring: KeyRing, owner: OwnerId, agent: AgentId, subject: str, entry: bytes) -> PastTurn:
    """The texts of a stored entry. Raises CannotOpen when it belongs to another conversation or was changed."""
    turn = UUID(bytes=entry[:16])
    user, assistant = json.loads(ring.open(entry[16:], _place(owner, agent, subject, turn)))
    return PastTurn(user, assistant)


def key(owner: OwnerId, agent: AgentId, subject: str) -> str:
    """The owner-prefixed key of a conversation's entries in Redis."""
    return f"st:{owner}:{agent}:{subject}"


async def forget(redis: Redis, owner: OwnerId, agent: AgentId, subjects: Sequence[str]) -> None:
    """Deletes the entries of an agent's conversations with these bare JIDs. Raises redis.exceptions.RedisError."""
    if subjects:
        await redis.delete(*(key(owner, agent, subject) for subject in subjects))


def _place(owner: OwnerId, agent: AgentId, subject: str, turn: UUID) -> Place:
    return Place(owner, "short_term", f"{agent}:{subject}", turn)
