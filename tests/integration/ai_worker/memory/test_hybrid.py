"""Recall by words and by meaning together, on real PostgreSQL with real vectors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from ai_worker.memory import recall
from ai_worker.memory.full_text import search
from ai_worker.memory.recall import Recall
from ai_worker.memory.store import Document, Store
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import owner_scope
from setup.prove import note
from tests.integration.ai_worker.memory.cranfield import load
from tests.integration.ai_worker.memory.known import ANN, BOB, Known

DOCS = Path(__file__).parents[4] / "docs"
PARTS = """# Spare parts

## Pumps
The pump for the old boiler is listed as QX-7731-B and costs forty euros.

## Valves
Valves are kept on the upper shelf, next to the gaskets.
"""
NEVER_NEAR = 0.0001
"""A distance within which no passage lies: what is found is found by its words."""


def only_by_words(known: Known) -> Recall:
    return replace(known.recall, max_distance=NEVER_NEAR)


async def by_meaning_alone(*_: Any) -> list[Any]:
    return []


async def test_a_part_number_is_found_by_its_words_however_far_its_meaning(known: Known) -> None:
    await known.document(PARTS)
    (found,) = await only_by_words(known).passages(known.owner, known.agent, ANN, "QX-7731-B?")
    assert "QX-7731-B" in found.content
    assert found.distance > NEVER_NEAR


@pytest.mark.control
async def test_without_words_it_is_not_found(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "search", by_meaning_alone)
    await known.document(PARTS)
    assert await only_by_words(known).passages(known.owner, known.agent, ANN, "QX-7731-B?") == ()


async def test_one_common_word_makes_no_memory(known: Known) -> None:
    await known.document(PARTS)
    assert await only_by_words(known).passages(known.owner, known.agent, ANN, "Which zebra is listed in Kenya?") == ()


async def test_what_one_person_had_remembered_is_found_for_nobody_else(known: Known) -> None:
    await known.store.fact(known.owner, known.agent, ANN, "My locker code is ZEBRAFISH")
    question = "Whose locker code is ZEBRAFISH?"
    assert [one.content for one in await known.ask(question)] == ["My locker code is ZEBRAFISH"]
    assert await known.ask(question, BOB) == ()


@pytest.mark.parametrize(("subject", "rows"), [(ANN, True), (BOB, False)])
async def test_the_words_of_a_person_stay_theirs_without_the_querys_own_filter(
    known: Known, subject: str, rows: bool
) -> None:
    """`SELECT *` under row-level security: the same question that shows Ann her words shows Bob nothing."""
    await known.store.fact(known.owner, known.agent, ANN, "My locker code is ZEBRAFISH")
    async with owner_scope(known.stores.pools["ai_worker"], known.owner, known.agent, subject) as connection:
        assert bool(await connection.fetch("SELECT * FROM memory_words")) is rows


async def test_words_go_with_their_document(known: Known) -> None:
    document_id = await known.document(PARTS)
    async with known.stores.superuser() as connection:
        await connection.execute("DELETE FROM aiox.documents WHERE id = $1", document_id)
        left = await connection.fetchval("SELECT count(*) FROM aiox.memory_words WHERE owner_user_id = $1", known.owner)
    assert left == 0


async def test_a_document_indexed_twice_counts_once(known: Known) -> None:
    document_id = await known.document(PARTS)
    await known.store.document(known.owner, known.agent, Document(document_id, "Guide", PARTS, True))
    async with owner_scope(known.stores.pools["ai_worker"], known.owner, known.agent, ANN) as connection:
        hits = await search(connection, known.owner, known.agent, ANN, "gaskets", 10)
    assert [hit.ordinal for hit in hits] == [1]


@pytest.mark.parametrize("question", ["", "the of and", "?!", "' | & : * \\", "a" * 3000, "zażółć 漢字 🐈"])
async def test_odd_questions_are_answered_or_not_and_nothing_breaks(known: Known, question: str) -> None:
    await known.document(PARTS)
    await only_by_words(known).passages(known.owner, known.agent, ANN, question)


OUR_DOCS = (
    ("What happens when the component dies between admission and receipt?", "durability.md"),
    ("Which database role may execute conclude?", "isolation.md"),
    ("What does row-level security protect?", "isolation.md"),
    ("What is the default of debounce_ms?", "settings.md"),
    ("Which setting names the XMPP domain of the hub?", "settings.md"),
    ("Why is the policy engine a library inside its callers?", "architecture.md"),
    ("Which room imports slixmpp?", "architecture.md"),
    ("What are the fifteen steps of a message?", "message-path.md"),
    ("How does the hub refuse plain text on XMPP streams?", "security.md"),
    ("Which XEPs are implemented?", "xmpp.md"),
    ("What does a SIGKILL of the orchestrator lose?", "durability.md"),
)


async def test_questions_about_our_own_docs_find_their_page(known: Known) -> None:
    """A small set of our own: the right page among the first four passages, for three of four questions at least."""
    pages = {await known.document((DOCS / name).read_text()): name for name in {page for _, page in OUR_DOCS}}
    found = [
        wanted in {pages[one.document_id] for one in await known.ask(question) if one.document_id}
        for question, wanted in OUR_DOCS
    ]
    assert sum(found) >= 0.75 * len(OUR_DOCS), list(zip(found, OUR_DOCS, strict=True))


@pytest.mark.prove
async def test_cranfield(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    """nDCG@10 of the whole path (cut, embed, store, recall) on 225 questions: >= 0.425, and better than meaning alone.

    CRANFIELD names the folder of the collection.
    """
    folder = os.environ.get("CRANFIELD", "")
    if not folder:
        pytest.skip("CRANFIELD names no folder with cran.all.1400, cran.qry and cranqrel")
    collection = load(Path(folder))
    numbers: dict[UUID, int] = {}
    store = Store(known.stores.pools["ai_worker"], known.recall.embedder, SystemClock())
    for number, (title, text) in collection.abstracts.items():
        document_id = await replace(known, store=store).document(f"# {title}\n\n{text}" if title else text)
        numbers[document_id] = number
    wide = replace(known.recall, limit=100)

    async def quality() -> float:
        rankings: list[Sequence[int]] = []
        for question in collection.questions:
            found = await wide.passages(known.owner, known.agent, ANN, question)
            rankings.append(list(dict.fromkeys(numbers[one.document_id] for one in found if one.document_id)))
        return float(np.mean([collection.ndcg(number, ranking) for number, ranking in enumerate(rankings, 1)]))

    hybrid = await quality()
    monkeypatch.setattr(recall, "search", by_meaning_alone)
    meaning = await quality()
    figures = f"nDCG@10 {hybrid:.4f}, by meaning alone {meaning:.4f}"
    note(f"cranfield: {figures}")
    assert hybrid >= 0.425
    assert hybrid > meaning
