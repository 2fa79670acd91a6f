"""`aiox agent documents`: files given, followed, listed and deleted from the shell."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from aiox.cli.agents import with_agent
from aiox.cli.documents import add, deleted, listed, shown
from aiox.cli.stack.trouble import CannotGoOn
from registry import documents, indexing
from registry.documents import DocumentState
from tests.stores import Stores

GUIDE = b"# Guide\n\nThe pump is blue.\n"


async def reads(stores: Stores, name: str, *, fails: str = "") -> None:
    """The part of orchestrator and worker: waits for the document and brings it to its end."""
    pool = stores.pools["orchestrator"]
    while True:
        for one in await indexing.find_waiting(pool, 1000):
            content = await indexing.load_content(pool, one.owner, one.id)
            if content is not None and content.source == name:
                await indexing.mark(pool, one.owner, one.id, DocumentState.EMBEDDING, 7, 3)
                if fails:
                    await indexing.mark_failed(pool, one.owner, one.id, fails)
                else:
                    await indexing.mark_ready(pool, one.owner, one.id, 7, "text/markdown")
                return
        await asyncio.sleep(0.05)


async def test_the_life_of_a_file(stores: Stores, tmp_path: Path) -> None:
    actor = await stores.account()
    await stores.agent(actor)
    work = partial(with_agent, stores.settings, actor.jid, "ada")
    assert "has no documents" in await work(listed)
    file = tmp_path / f"{actor.owner}.md"
    file.write_bytes(GUIDE)
    said, _ = await asyncio.gather(work(partial(add, files=[file], title="Guide", wait=True)), reads(stores, file.name))
    assert said == f"{file.name}  ready, 7 passages"
    assert await work(listed) == said
    assert "text/markdown, 27 bytes" in await work(partial(shown, document="Guide"))
    assert "is deleted" in await work(partial(deleted, document=file.name))
    assert "has no documents" in await work(listed)
    with pytest.raises(CannotGoOn, match="no document is called"):
        await work(partial(deleted, document=file.name))


async def test_why_a_file_failed_is_said_and_is_a_failure_of_the_command(stores: Stores, tmp_path: Path) -> None:
    actor = await stores.account()
    agent = await stores.agent(actor)
    work = partial(with_agent, stores.settings, actor.jid, "ada")
    file = tmp_path / f"{actor.owner}.pdf"
    file.write_bytes(b"%PDF-1.7 broken")
    with pytest.raises(CannotGoOn, match="failed: The PDF is damaged"):
        await asyncio.gather(
            work(partial(add, files=[file], title="", wait=True)),
            reads(stores, file.name, fails="The PDF is damaged."),
        )
    with pytest.raises(CannotGoOn, match="cannot be read"):
        await work(partial(add, files=[tmp_path / "none.pdf"], title="", wait=False))
    assert len(await documents.list_of_agent(stores.pools["gateway"], actor.owner, agent)) == 1
