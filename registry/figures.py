"""What the operator's metrics say of all owners: ids and figures, never a name or a text (SPEC 13)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from aiox.runtime.postgres import Pool


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes of an agent's memories, embeddings and files. Without ids: of all that are not named, together."""

    agent: UUID | None
    owner: UUID | None
    size: int


@dataclass(frozen=True, slots=True)
class Left:
    """Tokens that an account's own limit leaves it today. Without an id: the least of those that are not named."""

    owner: UUID | None
    tokens: int


async def stored(pool: Pool, most: int) -> list[Stored]:
    """The `most` agents that store most, by name. Raises what the store raises."""
    rows = await pool.fetch("SELECT * FROM find_stored($1)", most)
    return [Stored(row["agent_id"], row["owner_user_id"], row["size"]) for row in rows]


async def tokens_left(pool: Pool, day: int, most: int) -> list[Left]:
    """The `most` accounts that have least left, by name. `day` is its number since 1970 (UTC). Raises as `stored`."""
    rows = await pool.fetch("SELECT * FROM find_tokens_left($1, $2)", day, most)
    return [Left(row["owner_user_id"], row["tokens"]) for row in rows]
