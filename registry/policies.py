"""Policies with their versions: who publishes writes a new version and moves the pointer; who decides reads both.

Every process asks the database again when what it knows is older than FRESH_S, so a change holds everywhere within that
time. It never decides by what it could not read anew: a database that is away raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from aiox.kernel.account import OrgRole
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.runtime.postgres import Connection, Pool
from policy.cedar.judge import Policies, hub_level
from policy.cedar.level import Fault, Level, Scope, compile_level
from registry.home_organisations import HomeOrganisations

FRESH_S: Final = 2.0
"""How long what was read is decided by, in seconds."""
_Key = tuple[UUID, int, str]


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a policy. `scope` is HUB_OWNER or an organisation; `digest` the SHA-256 of `text`, in hex."""

    scope: UUID
    version: int
    text: str
    digest: str
    author: str
    created_at: datetime
    active: bool


def compiled(scope: UUID, version: int, text: str) -> Level | Sequence[Fault]:
    """The level that a text makes for the hub or an organisation, or its faults."""
    if scope == HUB_OWNER:
        return hub_level(version, text)
    return compile_level(Scope.ORGANISATION, version, text, organisation=scope)


class PolicyStore:
    """What one process knows of the policies that hold. Shared by all its decisions."""

    def __init__(self) -> None:
        self._levels: dict[_Key, Level | None] = {}
        self._sets: dict[tuple[_Key, ...], Policies | None] = {}
        self._active: tuple[_Key, ...] = ()
        self._of_owner: dict[UUID, tuple[float, tuple[_Key, ...]]] = {}
        self._read_at = float("-inf")
        self.organisations = HomeOrganisations()
        """Which organisation the owners belong to, for the records of decisions."""

    async def holding(self, pool: Pool, owner: OwnerId | None, now_s: float) -> Policies | None:
        """The policies for a thing of `owner`; the hub's alone for nobody's.

        `now_s` is monotonic. None when the hub has no policy or one that holds is broken: then everything is denied.
        Raises what the store raises.
        """
        if now_s - self._read_at >= FRESH_S:
            active = await _active(pool, None)
            self._read_at = now_s
            if active != self._active:
                self._active = active
                self._of_owner.clear()
                self._sets.clear()
        keys = tuple(key for key in self._active if key[0] == HUB_OWNER)
        if owner is not None and len(self._active) > len(keys):
            keys = await self._keys_of(pool, owner, now_s)
        if keys not in self._sets:
            self._sets[keys] = await self._made(pool, keys)
        return self._sets[keys]

    async def _keys_of(self, pool: Pool, owner: OwnerId, now_s: float) -> tuple[_Key, ...]:
        read_at, keys = self._of_owner.get(owner, (float("-inf"), ()))
        if now_s - read_at >= FRESH_S:
            keys = await _active(pool, owner)
            self._of_owner[owner] = now_s, keys
        return keys

    async def _made(self, pool: Pool, keys: tuple[_Key, ...]) -> Policies | None:
        if not keys or keys[0][0] != HUB_OWNER:
            return None
        levels = [await self._level(pool, key) for key in keys]
        found = [level for level in levels if level is not None]
        return Policies(found) if len(found) == len(levels) else None

    async def _level(self, pool: Pool, key: _Key) -> Level | None:
        if key not in self._levels:
            text = await pool.fetchval("SELECT policy_text($1, $2)", key[0], key[1])
            level = compiled(key[0], key[1], text) if text is not None and digest_of(text) == key[2] else None
            self._levels = {known: kept for known, kept in self._levels.items() if known in self._active}
            self._levels[key] = level if isinstance(level, Level) else None
        return self._levels[key]


def digest_of(text: str) -> str:
    """SHA-256 of a policy's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


async def _active(pool: Pool, owner: OwnerId | None) -> tuple[_Key, ...]:
    rows = await pool.fetch("SELECT scope, version, digest FROM find_policies($1)", owner)
    return tuple((row["scope"], row["version"], row["digest"]) for row in rows)


_VERSIONS: Final = (
    "SELECT p.*, a.version IS NOT NULL AS active FROM policies p LEFT JOIN active_policies a USING (scope, version)"
)


async def list_versions(connection: Connection, scope: UUID, limit: int = 100) -> list[PolicyVersion]:
    """Versions of a scope, newest first. `connection` is in the scope of who may see them."""
    rows = await connection.fetch(f"{_VERSIONS} WHERE p.scope = $1 ORDER BY p.version DESC LIMIT $2", scope, limit)
    return [_version(row) for row in rows]


async def find_version(connection: Connection, scope: UUID, version: int) -> PolicyVersion | None:
    """One version; None when it is not there, or not to be seen in this scope."""
    row = await connection.fetchrow(f"{_VERSIONS} WHERE p.scope = $1 AND p.version = $2", scope, version)
    return None if row is None else _version(row)


async def role_in(connection: Connection, organisation: UUID) -> OrgRole | None:
    """The role, in an organisation, of the account in whose scope `connection` is; None for a stranger."""
    role = await connection.fetchval("SELECT role_in($1)", organisation)
    return None if role is None else OrgRole(role)


def _version(row: asyncpg.Record) -> PolicyVersion:
    return PolicyVersion(
        row["scope"], row["version"], row["text"], row["digest"], row["author"], row["created_at"], row["active"]
    )


async def add_version(connection: Connection, scope: UUID, text: str, author: str, now: datetime) -> int:
    """Stores a new version and returns its number. Raises asyncpg.UniqueViolationError when two do so at once."""
    version: int = await connection.fetchval(
        "INSERT INTO policies (scope, version, text, digest, author, created_at)"
        " SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 FROM policies WHERE scope = $1 RETURNING version",
        scope,
        text,
        digest_of(text),
        author,
        now,
    )
    return version


async def activate(connection: Connection, scope: UUID, version: int, now: datetime) -> None:
    """Makes a stored version the one that holds."""
    await connection.execute(
        "INSERT INTO active_policies (scope, version, changed_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (scope) DO UPDATE SET version = EXCLUDED.version, changed_at = EXCLUDED.changed_at",
        scope,
        version,
        now,
    )
