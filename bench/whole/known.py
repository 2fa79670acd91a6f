"""Gives an agent something to know: this project's own documents, put in as any owner would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from aiox.commands import put_document
from aiox.commands.hub import Actor, Hub
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import KeyRing
from bench.people import NotMade, Person
from bench.throwaway import Bench
from bench.whole.record import TOP

QUESTION: Final = "Which settings say how long a conversation and its files are kept, and who may read them? Number"
READY_S: Final = 300.0
_PART: Final = 20_000
"""Characters of one document: what the hub embeds at a time is not what is measured."""


async def know(bench: Bench, person: Person, characters: int) -> int:
    """Puts so many characters of documents into the person's first agent; returns how many passages it knows then.

    Raises NotMade when one is refused or fails, TimeoutError after five minutes.
    """
    pool = await postgres.connect(bench.settings, bench.home.secrets("gateway"), "gateway")
    try:
        hub = Hub(
            pool, KeyRing.parse(bench.home.secrets("stack").read("keyring")), SystemClock(), bench.settings.domain
        )
        actor, agent = Actor(OwnerId(person.owner), BareJid(person.login.jid)), agent_of(person)
        for number, text in enumerate(_texts(characters)):
            fields = put_document.PutDocument(
                agent_id=agent,
                title=f"Part {number}",
                source=f"part-{number}",
                media_type="text/markdown",
                content=text,
            )
            put = await put_document.run(hub, actor, fields)
            if isinstance(put, Refused):
                raise NotMade(f"a document was refused: {put.reason}")
    finally:
        await pool.close()
    return await _passages(bench, agent)


def agent_of(person: Person) -> AgentId:
    """The person's first agent."""
    return AgentId(UUID(person.agent.partition("@")[0].removeprefix("agent-")))


def _texts(characters: int) -> Iterator[str]:
    whole = "\n\n".join(
        page.read_text() for page in sorted((TOP / "docs").glob("*.md")) if page.name != "performance.md"
    )
    for start in range(0, min(characters, len(whole)), _PART):
        yield whole[start : min(start + _PART, characters)]


async def _passages(bench: Bench, agent: AgentId) -> int:
    async with superuser(bench) as connection, asyncio.timeout(READY_S):
        while True:
            states = await connection.fetch("SELECT state, error, chunks FROM documents WHERE agent_id = $1", agent)
            if failed := [row["error"] for row in states if row["state"] == "failed"]:
                raise NotMade(f"a document was not read: {failed[0]}")
            if all(row["state"] == "ready" for row in states):
                return sum(row["chunks"] for row in states)
            await asyncio.sleep(0.2)


@asynccontextmanager
async def superuser(bench: Bench) -> AsyncIterator[postgres.LoneConnection]:
    """The database as who may do anything."""
    password = bench.home.secrets("stack").read("postgres")
    connection = await postgres.connect_database(bench.settings.ports.postgres, "postgres", password, "aiox")
    try:
        yield connection
    finally:
        await connection.close()
