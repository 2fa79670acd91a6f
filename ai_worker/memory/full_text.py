"""The words of memories, as PostgreSQL's text search sees them: stems, without stop words.

One row per word and segment (a document, or one fact) with the passages it stands in. The row of the empty word holds
the lengths of the segment's passages. A GIN index is not used beneath row-level security; this one is a B-tree. The
English stemmer leaves most words of other languages whole, alike in memory and in question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from asyncpg import Record
from numpy.typing import NDArray

from ai_worker.memory.ranking import Hit, Places, by_words
from aiox.runtime.postgres import Connection

_LENGTHS: Final = ""
_PASSAGES: Final = 500
_ROWS: Final = 2000
"""In one statement: each has the time that the database gives a statement."""
_LEXEMES: Final = """
    SELECT passage.number - 1 AS ordinal, found.lexeme, cardinality(found.positions) AS count
    FROM unnest($1::text[]) WITH ORDINALITY passage (content, number),
         unnest(to_tsvector('english', passage.content)) found"""
_INSERT: Final = """
    INSERT INTO memory_words
        (owner_user_id, agent_id, word, scope, subject_jid, segment, document_id, memory_id, ordinals, counts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING"""
_QUESTION: Final = "SELECT tsvector_to_array(to_tsvector('english', $1))"
_POSTINGS: Final = """
    SELECT word, array_agg(segment) AS segments, array_agg(cardinality(counts)) AS sizes,
           string_agg(substr(array_send(ordinals), 21), '') AS ordinals,
           string_agg(substr(array_send(counts), 21), '') AS counts
    FROM memory_words
    WHERE owner_user_id = $1 AND agent_id = $2 AND (scope = 'agent' OR (scope = 'subject' AND subject_jid = $3))
      AND word = ANY ($4)
    GROUP BY word"""
# One row a word, its numbers as bytes: as rows and lists of Python's numbers they took most of a search in 20,000
# passages. An array in PostgreSQL's binary form has a head of 20 bytes, then the length and the value of each element.


@dataclass(frozen=True, slots=True)
class Segment:
    """Whose words: a document's passages in their order, or one fact alone. `subject` is empty for the agent's own."""

    owner: UUID
    agent: UUID
    subject: str
    id: UUID
    is_document: bool


async def keep(connection: Connection, segment: Segment, contents: Sequence[str]) -> None:
    """Stores the words of a segment's passages; again is a no-op. `connection` is in the owner's scope."""
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    lengths = [0] * len(contents)
    for start in range(0, len(contents), _PASSAGES):
        for row in await connection.fetch(_LEXEMES, list(contents[start : start + _PASSAGES])):
            places[row["lexeme"]].append((start + row["ordinal"], row["count"]))
            lengths[start + row["ordinal"]] += row["count"]
    document, memory = (segment.id, None) if segment.is_document else (None, segment.id)
    scope = "subject" if segment.subject else "agent"

    def stored(word: str, ordinals: list[int], counts: list[int]) -> tuple[object, ...]:
        who = (segment.owner, segment.agent, word, scope, segment.subject)
        return (*who, segment.id, document, memory, ordinals, counts)

    found = [stored(word, [at for at, _ in some], [count for _, count in some]) for word, some in places.items()]
    rows = [stored(_LENGTHS, [], lengths), *found]
    for start in range(0, len(rows), _ROWS):
        await connection.executemany(_INSERT, rows[start : start + _ROWS])


async def search(connection: Connection, owner: UUID, agent: UUID, subject: str, question: str, most: int) -> list[Hit]:
    """The passages that have the question's words, best first. `connection` is in the scope of all three."""
    words: list[str] = await connection.fetchval(_QUESTION, question)
    if not words:
        return []
    rows = await connection.fetch(_POSTINGS, owner, agent, subject, [*words, _LENGTHS])
    found = {row["word"]: _places(row) for row in rows}
    nowhere = Places.of([])
    return by_words({word: found.get(word, nowhere) for word in words}, found.get(_LENGTHS, nowhere), most)


def _places(row: Record) -> Places:
    return Places(row["segments"], np.array(row["sizes"]), _numbers(row["ordinals"]), _numbers(row["counts"]))


def _numbers(elements: bytes) -> NDArray[np.int64]:
    return np.frombuffer(elements, ">i4")[1::2].astype(np.int64)
