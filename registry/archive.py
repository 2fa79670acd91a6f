"""The XMPP server's message archive, as far as the hub may see it: which stanza is there, never a text."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from aiox.runtime.postgres import Pool


class Kept(Enum):
    """What the archive says of a stanza."""

    YES = "it is there"
    NOT_YET = "it is not there, and would be had it arrived"
    NEVER = "it would not be there: no such account, or its owner keeps no archive"


class Stanza(NamedTuple):
    """A stanza in someone's archive: whose, with whom, under which id. Addresses are normalised."""

    name: str
    """Local part of the account."""
    peer: str
    """Bare JID of the other side."""
    origin_id: str


# An account without preferences keeps everything (mod_mam: default always). Whose owner chose otherwise is left alone.
_LOOK_UP: Final = """
    SELECT EXISTS (
               SELECT FROM archive a
               WHERE a.username = s.name AND a.origin_id = s.id AND a.bare_peer = s.peer) AS kept,
           EXISTS (SELECT FROM users u WHERE u.username = s.name)
           AND NOT EXISTS (
               SELECT FROM archive_prefs p
               WHERE p.username = s.name AND (p.def <> 'always' OR p.never <> '[]')) AS keeps
    FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS s (name, peer, id, number) ORDER BY s.number"""


async def look_up(pool: Pool, stanzas: Sequence[Stanza]) -> list[Kept]:
    """What the archive says of each, in their order. `pool` is one of `postgres.connect_archive`."""
    columns = [list(column) for column in zip(*stanzas, strict=True)] or [[], [], []]
    found = await pool.fetch(_LOOK_UP, *columns)
    return [Kept.YES if one["kept"] else Kept.NOT_YET if one["keeps"] else Kept.NEVER for one in found]
