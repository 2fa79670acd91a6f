"""What of an agent is shown to whom: its card, its picture, the directory. For the component's role only.

Each asks before an owner is known; the functions behind stand in docs/isolation.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool


@dataclass(frozen=True, slots=True)
class Card:
    """An agent as somebody sees it who may talk to it. No prompt, no limit, nothing of other people."""

    agent_id: AgentId
    jid: BareJid
    alias: str
    owned: bool
    """Whether who asks owns it."""
    version: int
    name: str
    description: str
    avatar: str
    """`sha256:<hex>` of its picture; empty: none."""
    tags: tuple[str, ...]
    digest: str
    """SHA-256, in hex, that freezes the version (docs/rfc-aiox.md, section 4)."""
    waits: bool = False
    """A call that who asks has a part in waits for approval."""
    spent: bool = False
    """The owner's tokens of this day are used up."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the directory."""

    jid: BareJid
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the directory, by address, and how many entries there are in all."""

    entries: tuple[Entry, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: behind or before an address, from the front or from the end."""

    limit: int
    after: str = ""
    before: str = ""
    backwards: bool = False


async def find_cards(pool: Pool, asked: Sequence[tuple[AgentId, BareJid]]) -> list[Card | None]:
    """For each agent, as its id or that of its alias, and person: the card, or None for unknown, deleted and hidden
    agents alike.
    """
    rows = await pool.fetch(
        "SELECT * FROM find_cards($1, $2)", [agent for agent, _ in asked], [jid for _, jid in asked]
    )
    found: list[Card | None] = [None] * len(asked)
    for row in rows:
        profile = json.loads(row["profile"])
        found[row["n"] - 1] = Card(
            agent_id=AgentId(row["agent_id"]),
            jid=BareJid(row["jid"]),
            alias=row["alias"] or "",
            owned=row["owns"],
            version=row["number"],
            name=profile["name"],
            description=profile["description"],
            avatar=profile["avatar"],
            tags=tuple(json.loads(row["domain_tags"] or "[]")),
            digest=row["content_digest"],
            waits=row["waits"],
            spent=row["spent"],
        )
    return found


async def find_portrait(pool: Pool, agent_id: AgentId, jid: BareJid) -> Image | None:
    """The picture of an agent's active version; None when it has none, and for agents that the person may not see."""
    row = await pool.fetchrow("SELECT media_type, image FROM find_portrait($1, $2)", agent_id, jid)
    return None if row is None else Image(row["media_type"], bytes(row["image"]))


async def list_visible(pool: Pool, jid: BareJid, text: str, page: Page) -> Listing:
    """The agents that a person may see, in the order of their addresses' bytes; with a `text`, those whose name, short
    address or address contains it, whatever its case.
    """
    rows = await pool.fetch(
        "SELECT * FROM list_visible($1, $2, $3, $4, $5, $6)",
        jid,
        text,
        page.after,
        page.before,
        page.backwards,
        page.limit,
    )
    entries = tuple(Entry(BareJid(row["jid"]), row["name"]) for row in rows if row["jid"] is not None)
    return Listing(entries, rows[0]["total"])


async def news_end(pool: Pool) -> int:
    """Where the news that are not there yet will stand."""
    return int(await pool.fetchval("SELECT agent_news_end()"))


async def news(pool: Pool, after: int, limit: int) -> tuple[int, frozenset[AgentId]]:
    """The agents with which something changed behind a position, and the position to ask behind next time.

    A hint: one that is written late may be left out.
    """
    rows = await pool.fetch("SELECT seq, agent_id FROM agent_news($1, $2)", after, limit)
    agents = frozenset(AgentId(row["agent_id"]) for row in rows if row["agent_id"] is not None)
    return (rows[-1]["seq"] if rows else after), agents
