"""`aiox agent documents ...`: what an agent knows, for the account that the operator speaks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from aiox.cli.agents import Desk, done, form
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import documents_of_agent, list_documents, upload_document
from aiox.commands.documents_of_agent import WhichDocument
from aiox.commands.list_documents import ListDocuments
from aiox.commands.upload_document import UploadDocument
from registry.agents import AgentSummary
from registry.documents import DocumentState, DocumentSummary

POLL_S: Final = 0.3
PIECE: Final = 1 << 16
_ENDED: Final = frozenset({DocumentState.READY, DocumentState.FAILED})
_SAID: Final = {
    DocumentState.WAITING: "waits",
    DocumentState.PARSING: "is read",
    DocumentState.EMBEDDING: "is embedded",
    DocumentState.REINDEXING: "is embedded anew",
}


async def add(here: Desk, agent: AgentSummary, files: Sequence[Path], title: str, *, wait: bool) -> str:
    """Gives the agent files, and shows how far each is until it knows them. Raises CannotGoOn."""
    added = [await _add(here, agent, file, title) for file in files]
    if not wait:
        return f"{len(added)} given; see 'aiox agent documents list {agent.id}'."
    found = [await _followed(here, agent, one) for one in added]
    lines = [line(one) for one in found]
    if any(one.state is DocumentState.FAILED for one in found):
        raise CannotGoOn("\n".join(lines))
    return "\n".join(lines)


async def listed(here: Desk, agent: AgentSummary) -> str:
    """All of the agent's documents."""
    found = done(await list_documents.run(here.hub, here.actor, ListDocuments(agent_id=agent.id)))
    return (
        "\n".join(map(line, found)) or f"{agent.name} has no documents. Mend: aiox agent documents add {agent.id} FILE"
    )


async def shown(here: Desk, agent: AgentSummary, document: str) -> str:
    """One document, by id, name or title."""
    one = await _named(here, agent, document)
    return "\n".join(
        [
            line(one),
            f"id {one.id}, {one.media_type}, {one.bytes:,} bytes, given {one.created_at.isoformat(timespec='seconds')}",
            f"{one.embedded} of {one.chunks} passages embedded",
        ]
    )


async def deleted(here: Desk, agent: AgentSummary, document: str) -> str:
    """Deletes one document with all that was made of it."""
    one = await _named(here, agent, document)
    done(await documents_of_agent.delete(here.hub, here.actor, WhichDocument(agent_id=agent.id, document_id=one.id)))
    return f"{one.title} is deleted, with its passages, vectors and file."


def line(one: DocumentSummary) -> str:
    """A document on one line."""
    match one.state:
        case DocumentState.READY:
            how = f"ready, {one.chunks} passages"
        case DocumentState.FAILED:
            how = f"failed: {one.error}"
        case DocumentState.EMBEDDING:
            how = f"embedding {one.embedded} of {one.chunks}"
        case DocumentState.REINDEXING:
            how = f"ready, embedded anew: {one.embedded} of {one.chunks} passages"
        case _:
            how = str(one.state)
    return f"{one.source}  {how}"


async def _add(here: Desk, agent: AgentSummary, file: Path, title: str) -> UUID:
    fields = form(UploadDocument, {"agent_id": str(agent.id), "name": file.name, "title": title})
    try:
        return done(await upload_document.run(here.hub, here.actor, fields, _pieces(file))).document_id
    except OSError as wrong:
        raise CannotGoOn(f"{file} cannot be read: {wrong.strerror or wrong}. Mend: give a file that is there") from None


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    opened = await asyncio.to_thread(file.open, "rb")
    with opened:
        while piece := await asyncio.to_thread(opened.read, PIECE):
            yield piece


async def _followed(here: Desk, agent: AgentSummary, document: UUID) -> DocumentSummary:
    """Watches it until it has ended; with a bar where somebody looks on."""
    which = WhichDocument(agent_id=agent.id, document_id=document)
    bar = _bar()
    with bar or nullcontext():
        task = bar.add_task("", total=None) if bar else None
        while True:
            one = done(await documents_of_agent.read(here.hub, here.actor, which))
            if bar is not None and task is not None:
                _show(bar, task, one)
            if one.state in _ENDED:
                return one
            await asyncio.sleep(POLL_S)


def _bar() -> Progress | None:
    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}")
    return Progress(*columns, console=console, transient=True)


def _show(bar: Progress, task: TaskID, one: DocumentSummary) -> None:
    how = _SAID.get(one.state, str(one.state))
    bar.update(task, description=f"{one.source} {how}", completed=one.embedded, total=one.chunks or None)


async def _named(here: Desk, agent: AgentSummary, named: str) -> DocumentSummary:
    known = done(await list_documents.run(here.hub, here.actor, ListDocuments(agent_id=agent.id)))
    found = [one for one in known if named in (str(one.id), one.source, one.title)]
    if len(found) != 1:
        which = "several documents are" if found else "no document is"
        raise CannotGoOn(f"{which} called {named!r}. Mend: take a name from 'aiox agent documents list {agent.id}'")
    return found[0]
