"""The hashes of agents' pictures, read once each: presence carries one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from component.features.avatar import picture_hash
from registry.cards import Card

KEPT: Final = 10_000

FindPortrait = Callable[[AgentId, BareJid], Awaitable[Image | None]]
"""The picture of an agent for somebody who may see it, else None. Raises when the registry cannot be asked."""


class Portraits:
    """Hashes by reference. A reference is made of the picture's bytes, so what is kept never goes stale."""

    def __init__(self, find: FindPortrait, limit: int = KEPT) -> None:
        self._find = find
        self._limit = limit
        self._hashes: OrderedDict[str, str] = OrderedDict()

    async def hash_of(self, card: Card, asker: BareJid) -> str:
        """SHA-1, in hex, of the agent's picture; empty when it has none. Raises as `find` does."""
        if not card.avatar:
            return ""
        known = self._hashes.get(card.avatar)
        if known is None:
            picture = await self._find(card.agent_id, asker)
            if picture is None or picture.ref != card.avatar:
                return ""
            known = self._hashes[card.avatar] = picture_hash(picture)
            if len(self._hashes) > self._limit:
                self._hashes.popitem(last=False)
        return known
