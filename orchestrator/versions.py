"""Opened agent versions. Versions are immutable, so an opened one stays true; the active pointer is read every turn.

The tenant's key ring beside it does not stay: it is read again every RING_TTL_S, once for all agents of an owner, so
that a rotation of keys is noticed.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass, replace

from aiox.kernel.ids import OwnerId, VersionId
from aiox.kernel.units import RING_TTL_S
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Pool
from policy.scoring import decayed_reputation
from registry.agent_versions import StoredVersion, load_version
from registry.tenants import load_ring


class VersionMissing(Exception):
    """The active version of an agent is not in its owner's scope: the registry contradicts itself."""


@dataclass(frozen=True, slots=True)
class OpenedVersion:
    """A version with its tenant's ring and the prompt in clear; lives in memory only."""

    version: StoredVersion
    ring: KeyRing
    system_prompt: str


class Versions:
    """A bounded cache, keyed by owner and version, and each version's decayed success (R of the scoring model)."""

    def __init__(self, pool: Pool, keys: KeyRing, size: int = 2048) -> None:
        self._pool = pool
        self._keys = keys
        self._size = size
        self._opened: OrderedDict[tuple[OwnerId, VersionId], OpenedVersion] = OrderedDict()
        self._rings: OrderedDict[OwnerId, tuple[float, KeyRing]] = OrderedDict()
        """Each with when it was read, in seconds of the running loop."""
        self._reputation: OrderedDict[VersionId, float] = OrderedDict()

    async def open(self, owner: OwnerId, version_id: VersionId) -> OpenedVersion:
        """The version, opened. Raises VersionMissing, CannotOpen, TenantKeyMissing."""
        key = owner, version_id
        found = self._opened.get(key)
        if found is not None:
            self._opened.move_to_end(key)
            return replace(found, ring=await self._recent_ring(owner))
        version = await load_version(self._pool, owner, version_id)
        if version is None:
            raise VersionMissing(str(version_id))
        ring = await self.ring(owner)  # after what it has to open (registry/tenants.py)
        opened = self._opened[key] = OpenedVersion(version, ring, version.open_prompt(ring))
        if len(self._opened) > self._size:
            self._opened.popitem(last=False)
        return opened

    def forget(self, owner: OwnerId) -> None:
        """Drops whatever was opened of an owner: their keys are gone, and so are the prompts."""
        for key in [key for key in self._opened if key[0] == owner]:
            del self._opened[key]
        self._rings.pop(owner, None)

    async def ring(self, owner: OwnerId) -> KeyRing:
        """The tenant's key ring as it is now. Raises CannotOpen, TenantKeyMissing."""
        now = asyncio.get_running_loop().time()
        ring = await load_ring(self._pool, self._keys, owner)
        self._rings[owner] = now, ring
        self._rings.move_to_end(owner)
        if len(self._rings) > self._size:
            self._rings.popitem(last=False)
        return ring

    async def _recent_ring(self, owner: OwnerId) -> KeyRing:
        """Read at most RING_TTL_S ago."""
        read_at, ring = self._rings.get(owner, (-math.inf, None))
        if ring is None or asyncio.get_running_loop().time() - read_at > RING_TTL_S:
            return await self.ring(owner)
        return ring

    def reputation(self, version_id: VersionId) -> float:
        """R: 1 while there is no history."""
        return self._reputation.get(version_id, 1.0)

    def learn(self, version_id: VersionId, succeeded: bool) -> None:
        """Counts one more turn of this version."""
        self._reputation[version_id] = decayed_reputation(self.reputation(version_id), succeeded)
        self._reputation.move_to_end(version_id)
        if len(self._reputation) > self._size:
            self._reputation.popitem(last=False)
