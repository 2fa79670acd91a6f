"""The owner and two guests of one shared agent, each with secrets: asked to be remembered, in a file of theirs, in the
summary of what they said. Nobody is told another's, however exactly they ask, also when the queries have no filter of
their own; a thousand owners likewise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pytest

from ai_worker.memory import full_text, recall
from ai_worker.memory.embedder import Vector
from ai_worker.memory.recall import Recall
from ai_worker.memory.store import Document, Store
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import Pool
from registry.history import PastTurn
from registry.summaries import Unsummarised, keep
from setup.prove import note
from tests.stores import NOW, Stores

GUESTS = ("ann@example.org", "bob@peer.example")
_FILTER = re.compile(
    r"owner_user_id = \$1 AND agent_id = \$2(\s+AND \(scope = 'agent' OR \(scope = 'subject' AND subject_jid = \$3\)\))"
)
_SUBJECT = re.compile(r"owner_user_id = \$1 AND agent_id = \$2 AND scope = 'subject' AND subject_jid = \$3")


class Exact:
    """The worst embedder for this: who knows the words of a secret is nearest to it, at distance 0."""

    model = "exact"

    def count(self, text: str) -> int:
        return len(text.split())

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        vector = np.random.default_rng(seed).standard_normal(384).astype(np.float32)
        unit: Vector = vector / np.linalg.norm(vector)
        return unit


@dataclass(frozen=True)
class Shared:
    """One agent and its people, each with secrets."""

    owner: UUID
    agent: UUID
    secrets: dict[str, list[str]]
    """What each was asked to remember, and what stands in each one's file."""
    summaries: dict[str, str]

    async def leaks(self, memory: Recall) -> int:
        """Each person asks for each secret of the others in its own words: how many passages of others come back."""
        found = 0
        for person in self.secrets:
            own = {*self.secrets[person], self.summaries[person]}
            for other in self.secrets.keys() - {person}:
                for secret in (*self.secrets[other], self.summaries[other]):
                    passages = await memory.passages(self.owner, self.agent, person, secret)
                    found += sum(passage.content not in own for passage in passages)
                summary = await memory.summary(self.owner, self.agent, person)
                found += summary is not None and summary.content != self.summaries[person]
        return found

    async def remembered(self, memory: Recall) -> int:
        """Each person asks for their own: how many are found. What is never found cannot leak either.

        Each finding has the summary of who asks with it.
        """
        found = 0
        for person, own in self.secrets.items():
            for secret in own:
                passages = await memory.passages(self.owner, self.agent, person, secret)
                contents = {passage.content for passage in passages}
                found += secret in contents and self.summaries[person] in contents
        return found


async def plant(stores: Stores, secrets: int) -> Shared:
    """Stores them as the worker and the hub do: half as facts, half as a file, and one in the summary."""
    actor = await stores.account()
    agent = await stores.agent(actor, shared_with=GUESTS)
    store = Store(stores.pools["ai_worker"], Exact(), SystemClock())
    planted: dict[str, list[str]] = {}
    summaries: dict[str, str] = {}
    for person in (actor.jid, *GUESTS):
        planted[person] = [f"{person} hides key {number} below stone {number * 7919}" for number in range(secrets)]
        facts, filed = planted[person][: secrets // 2], planted[person][secrets // 2 :]
        for secret in facts:
            await store.fact(actor.owner, agent, person, secret)
        await _file(stores, store, actor.owner, agent, person, filed)
        summaries[person] = f"{person} told that the key of keys lies below the oldest stone."
        pool = stores.pools["orchestrator"]
        assert await keep(pool, actor.owner, agent, BareJid(person), uuid4(), summaries[person], _A_TURN)
    return Shared(actor.owner, agent, planted, summaries)


_A_TURN = Unsummarised(None, [PastTurn(UUID(int=1), OwnerId(UUID(int=2)), None, None, "answered", UUID(int=3), NOW)])


async def _file(stores: Stores, store: Store, owner: OwnerId, agent: AgentId, person: str, lines: list[str]) -> None:
    """A file that this person sent to the agent in a chat, with a passage for each line."""
    document = uuid4()
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes, scope,"
            " subject_jid, embedding_model, created_at)"
            " VALUES ($1, $2, $3, 'Keys', 'keys.md', 'text/markdown', 'x', 1, 'subject', $4, 'exact', $5)",
            document,
            owner,
            agent,
            person,
            NOW,
        )
    text = "\n\n".join(f"# {number}\n\n{line}" for number, line in enumerate(lines))
    await store.document(owner, agent, Document(document, "Keys", text, markdown=True, subject=person))


def of(pool: Pool) -> Recall:
    return Recall(pool, Exact(), limit=50, max_distance=2.0)


def take_filters_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's own filter taken out of every query: neither owner nor agent nor subject is asked for."""
    anybody = "($1::uuid, $2::uuid, $3::text) IS NOT NULL"
    summary, changed = _SUBJECT.subn(anybody, recall._SUMMARY)
    assert changed == 1, "the filter of _SUMMARY is not where it was"
    monkeypatch.setattr(recall, "_SUMMARY", summary)
    for module, name in ((recall, "_ANYTHING"), (recall, "_NEAREST"), (full_text, "_POSTINGS")):
        query, changed = _FILTER.subn(anybody, getattr(module, name))
        assert changed == 1, f"the filter of {name} is not where it was"
        monkeypatch.setattr(module, name, query)
    places = recall._PLACES.replace("owner_user_id = $1 AND agent_id = $2", "($1::uuid, $2::uuid) IS NOT NULL")
    monkeypatch.setattr(recall, "_PLACES", places)
    monkeypatch.setattr(
        recall,
        "_PASSAGES",
        """SELECT m.id, m.document_id, m.kind, m.section, m.content, '' AS title,
                  v.embedding OPERATOR(public.<=>) $4::text::public.halfvec(384) AS distance
           FROM agent_memories m JOIN memory_vectors_384 v ON v.memory_id = m.id
           WHERE ($1::uuid, $2::uuid, $5::text, $6::text) IS NOT NULL AND m.id = ANY ($3::uuid[])""",
    )


@pytest.fixture
def no_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries that ask for everybody's rows."""
    take_filters_out(monkeypatch)


@asynccontextmanager
async def without_row_level_security(stores: Stores) -> AsyncIterator[Pool]:
    """A pool as the superuser, whom no policy binds."""
    pool = await asyncpg.create_pool(
        host="127.0.0.1",
        port=stores.settings.ports.postgres,
        user="postgres",
        password=stores.home.secrets("stack").read("postgres"),
        database="aiox",
        min_size=1,
        max_size=1,
        server_settings={"search_path": "aiox"},
    )
    try:
        yield pool
    finally:
        await pool.close()


async def test_nobody_is_told_anothers_secret(stores: Stores) -> None:
    shared = await plant(stores, 12)
    memory = of(stores.pools["ai_worker"])
    assert await shared.remembered(memory) == 36
    assert await shared.leaks(memory) == 0


async def test_nobody_is_told_when_the_queries_have_no_filter(stores: Stores, no_filters: None) -> None:
    shared = await plant(stores, 12)
    memory = of(stores.pools["ai_worker"])
    assert await shared.remembered(memory) == 36
    assert await shared.leaks(memory) == 0


@pytest.mark.control
async def test_without_row_level_security_and_filters_secrets_are_told(stores: Stores, no_filters: None) -> None:
    shared = await plant(stores, 3)
    async with without_row_level_security(stores) as pool:
        assert await shared.leaks(of(pool)) > 0


@pytest.mark.control
async def test_the_filters_alone_hold_too(stores: Stores) -> None:
    """One guard is taken out and the other stands: no single mistake tells a secret."""
    shared = await plant(stores, 3)
    async with without_row_level_security(stores) as pool:
        assert await shared.remembered(of(pool)) == 9
        assert await shared.leaks(of(pool)) == 0


async def foreign_rows(stores: Stores, owners: int) -> int:
    """So many owners with a fact each of nearly the same words: what each finds that is not theirs."""
    store, memory = Store(stores.pools["ai_worker"], Exact(), SystemClock()), of(stores.pools["ai_worker"])
    people = []
    for number in range(owners):
        actor = await stores.account()
        agent = await stores.agent(actor)
        await store.fact(actor.owner, agent, "ann@example.org", f"the key of house {number} lies below the stone")
        people.append((actor.owner, agent, f"the key of house {number} lies below the stone"))
    foreign = 0
    for owner, agent, fact in people:
        found = await memory.passages(owner, agent, "ann@example.org", "the key of house lies below the stone")
        foreign += sum(passage.content != fact for passage in found)
    return foreign


async def test_no_owner_finds_rows_of_another(stores: Stores, no_filters: None) -> None:
    assert await foreign_rows(stores, 8) == 0


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_secrets_prove(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 secrets each, half of them in files, asked for 6,000 times with the filters and 6,000 times without; and
    a summary each.
    """
    shared = await plant(stores, 1000)
    memory = of(stores.pools["ai_worker"])
    assert await shared.leaks(memory) == 0
    take_filters_out(monkeypatch)
    assert await shared.leaks(memory) == 0
    note(
        "secrets: 3 people of one agent, 1,000 each in facts, files and summaries, asked for 12,000 times,"
        " half without filters: 0 told"
    )


@pytest.mark.prove
async def test_foreign_rows_prove(stores: Stores) -> None:
    assert await foreign_rows(stores, 1000) == 0
    note("foreign rows with 1,000 owners: 0")
