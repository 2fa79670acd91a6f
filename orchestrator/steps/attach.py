"""Files that came with a message (SPEC 9): taken and read before the turn, or refused in words; never ignored.

What is read in time is known to this very turn. Without a file that can be read nothing is asked of a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from aiox.commands import attach_file
from aiox.commands.attach_file import Attached, Receiver
from aiox.commands.hub import Actor
from aiox.kernel.envelope import Attachment
from aiox.kernel.ids import HUB_OWNER, OwnerId, derived_id
from aiox.kernel.outcome import Answered, Refused, Usage
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded, Stopped
from registry import chat_files
from registry.chat_files import ENDED, Progress
from registry.documents import DocumentState

LOOK_S: Final = 0.2
FOR_ALL: Final = "for all"
"""How an owner's caption begins when the file is for everybody who may talk to the agent."""


async def attach(ports: Ports, loaded: Loaded) -> Loaded | Stopped:
    """The turn with its files, or the words that say why there is none. Raises what the stores raise."""
    files = loaded.turn.message.attachments
    if not files or loaded.approved is not None:
        return loaded
    most = ports.settings.files.per_message
    results = [await _take(ports, loaded, file) for file in files[:most]]
    notes = [one.reason for one in results if isinstance(one, Refused)]
    if len(files) > most:
        notes.append(f"I take {most} files out of one message; the rest I have not looked at.")
    taken = {one.document_id: one.name for one in results if isinstance(one, Attached)}
    ended = await _until_read(ports, loaded.authorised.owner, list(taken))
    notes += [_failed(taken[one.id], one.error) for one in ended if one.state is DocumentState.FAILED]
    ready = [one.id for one in ended if one.state is DocumentState.READY]
    late = [name for document, name in taken.items() if document not in {one.id for one in ended}]
    if late:
        notes.append(f"I am still reading {' and '.join(late)}. Ask again in a moment.")
    if late or not ready:
        return _told(loaded, notes)
    return replace(_with_words(loaded, [taken[one] for one in ready]), attached=tuple(ready), notes=tuple(notes))


async def _take(ports: Ports, loaded: Loaded, file: Attachment) -> Attached | Refused:
    authorised, message, version = loaded.authorised, loaded.turn.message, loaded.version
    # Nobody acts under an id of their own here: what is stored is the agent's owner's, for the sender alone.
    actor = Actor(OwnerId(derived_id(HUB_OWNER, f"guest:{message.sender}")), message.sender, proof=message.proof)
    receiver = Receiver(
        authorised.owner,
        version.agent_id,
        authorised.relation,
        version.governance.max_memory_mb,
        version.memory_config.embedding_model,
    )
    for_all = message.body.strip().casefold().startswith(FOR_ALL)
    async with ports.files.fetching:
        return await attach_file.run(ports.hub, actor, receiver, file, ports.files.fetch, for_all=for_all)


async def _until_read(ports: Ports, owner: OwnerId, documents: Sequence[UUID]) -> Sequence[Progress]:
    """Those that have come to an end within the time that a turn may wait."""
    until = ports.clock.monotonic() + ports.settings.files.wait_s
    while documents:
        found = await chat_files.progress(ports.pool, owner, documents)
        ended = [one for one in found if one.state in ENDED]
        if len(ended) == len(found) or ports.clock.monotonic() >= until:
            return ended
        await asyncio.sleep(LOOK_S)
    return ()


def _with_words(loaded: Loaded, names: Sequence[str]) -> Loaded:
    """The message as the model reads it: with the names of its files, and with a question where there was none."""
    turn = loaded.turn
    body = turn.message.body.strip() or "Tell me in a few sentences what is in it."
    message = replace(turn.message, body=f"{body}\n\n[Sent with it: {', '.join(names)}]")
    turn = replace(turn, envelope=replace(turn.envelope, payload=message))
    return replace(loaded, authorised=replace(loaded.authorised, turn=turn))


def _failed(name: str, why: str) -> str:
    return f"I could not read {name}. {why}".strip()


def _told(loaded: Loaded, notes: Sequence[str]) -> Stopped:
    authorised = loaded.authorised
    answer = Answered("\n".join(notes), Usage(0, 0), (), (), (), "", "", 0, 0)
    return Stopped(loaded.turn, authorised.owner, answer, authorised.decision)
