"""Short-term memory entries: one per turn, encrypted with the tenant's key (registry/quotas carries them to Redis).

An entry is the 16 bytes of the turn's id, then the sealed JSON of both texts. When Redis has lost a conversation it is
made again from `executions`, as far as the agent stores texts.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from redis.asyncio import Redis

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid
from aiox.kernel.units import SHORT_TERM_TTL_S
from aiox.runtime.keyring import CannotOpen, KeyRing, Place
from aiox.runtime.postgres import Pool
from registry import history


@dataclass(frozen=True, slots=True)
class PastTurn:
    """What was said and what was answered. `clean`: neither a document nor a tool had a part in it or before it."""

    user: str
    assistant: str
    clean: bool = False


def seal_entry(ring: KeyRing, owner: OwnerId, agent: AgentId, subject: str, turn: TurnId, past: PastTurn) -> bytes:
    """The bytes to store."""
    text = json.dumps([past.user, past.assistant, past.clean], ensure_ascii=False).encode()
    return turn.bytes + ring.seal(text, _place(owner, agent, subject, turn))


def open_entry(ring: KeyRing, owner: OwnerId, agent: AgentId, subject: str, entry: bytes) -> PastTurn:
    """The texts of a stored entry. Raises CannotOpen when it belongs to another conversation or was changed."""
    turn = UUID(bytes=entry[:16])
    user, assistant, clean = json.loads(ring.open(entry[16:], _place(owner, agent, subject, turn)))
    return PastTurn(user, assistant, clean is True)


def key(owner: OwnerId, agent: AgentId, subject: str) -> str:
    """The owner-prefixed key of a conversation's entries in Redis."""
    return f"st:{owner}:{agent}:{subject}"


async def read_again(
    pool: Pool,
    ring_of: Callable[[OwnerId], Awaitable[KeyRing]],
    owner: OwnerId,
    agent: AgentId,
    subject: BareJid,
    limit: int,
    now: datetime,
    damaged: Callable[[UUID], None],
) -> list[bytes]:
    """The last `limit` turns of a conversation as entries, oldest first, from what was recorded of them.

    None when the newest is so old that Redis would have forgotten it too. What cannot be opened is told to `damaged`
    and left out. Raises what PostgreSQL and `ring_of` raise.
    """
    found = await history.of_conversation(pool, owner, agent, subject, limit)
    if not found or found[0].created_at < now - timedelta(seconds=SHORT_TERM_TTL_S):
        return []
    entries, ring = [], await ring_of(owner)
    for past in reversed(found):
        try:
            said, answered = past.texts(ring)
        except CannotOpen:
            damaged(past.id)
            continue
        entries.append(seal_entry(ring, owner, agent, subject, TurnId(past.id), PastTurn(said or "", answered or "")))
    return entries


async def forget(redis: Redis, owner: OwnerId, agent: AgentId, subjects: Sequence[str]) -> None:
    """Deletes the entries of an agent's conversations with these bare JIDs. Raises redis.exceptions.RedisError."""
    if subjects:
        await redis.delete(*(key(owner, agent, subject) for subject in subjects))


def _place(owner: OwnerId, agent: AgentId, subject: str, turn: UUID) -> Place:
    return Place(owner, "short_term", f"{agent}:{subject}", turn)
