"""Files of a tool call: documents of the agent that it is given, and what it leaves, kept as documents with a link."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from aiox.commands import attach_file
from aiox.commands.attach_file import Content, Receiver
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import CannotOpen
from aiox.runtime.logs import describe
from aiox.runtime.objects.port import ObjectMissing
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded
from registry import documents, indexing

MOST_BYTES: Final = 2 << 20
"""Of all documents that one call is given together."""
MOST_FILES: Final = 8
DOCUMENTS: Final = "documents"
"""The argument that names them: by the name of the file that each becomes."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
HEAD: Final = "Files (each link opens for {} hours):"
_NO_SUCH: Final = "There is no document called {!r} that the person in this turn may use."
_TOO_LARGE: Final = f"The documents are more than {MOST_BYTES >> 20} MiB together."
_BY_AN_AGENT: Final = "An agent that is asked by another agent uses nobody's documents in tools."
_GONE: Final = "The document called {!r} cannot be opened."


class NoFile(Exception):
    """The call cannot be given what it names. The text says why, for the model and its person."""


async def given(ports: Ports, loaded: Loaded, arguments: bytes) -> list[pb.ToolFile]:
    """The documents that canonical arguments name, whole. Raises NoFile, or what the stores raise."""
    wanted = _wanted(arguments)
    if wanted and loaded.delegation is not None:
        raise NoFile(_BY_AN_AGENT)
    found, room = [], MOST_BYTES
    for name, title in wanted.items():
        content = await _document(ports, loaded, title, room)
        room -= len(content)
        found.append(pb.ToolFile(name=name, content=content))
    return found


def _wanted(arguments: bytes) -> Mapping[str, str]:
    """The hub believes no worker that the arguments fit their schema."""
    given = json.loads(arguments).get(DOCUMENTS, {})
    if not isinstance(given, dict) or not all(isinstance(title, str) for title in given.values()):
        raise NoFile("The documents are not named as the tool wants it.")
    return given


async def _document(ports: Ports, loaded: Loaded, title: str, room: int) -> bytes:
    owner, version, sender = loaded.authorised.owner, loaded.version, loaded.turn.message.sender
    found = await documents.find_named(ports.pool, owner, version.agent_id, sender, title)
    if found is None:
        raise NoFile(_NO_SUCH.format(title))
    document, size = found
    if size > room:
        raise NoFile(_TOO_LARGE)
    content = await indexing.load_content(ports.pool, owner, document)
    if content is None:
        raise NoFile(_NO_SUCH.format(title))
    try:
        return await content.open(loaded.ring, ports.hub.objects)
    except (CannotOpen, ObjectMissing) as wrong:
        ports.log.error("document_damaged", document_id=str(document), error=describe(wrong))
        raise NoFile(_GONE.format(title)) from wrong


async def kept(ports: Ports, loaded: Loaded, files: Sequence[pb.ToolFile]) -> list[str]:
    """Keeps what a call has left, for its person alone; returns what they are told. Raises what the stores raise.

    Under the name of one that was left before it takes its place. What finds no room is named, and is gone.
    """
    if loaded.delegation is not None:
        return []
    lines = [await _keep(ports, loaded, file) for file in files[:MOST_FILES] if _NAME.fullmatch(file.name)]
    return ["\n".join([HEAD.format(ports.settings.files.link_hours), *lines])] if lines else []


async def _keep(ports: Ports, loaded: Loaded, file: pb.ToolFile) -> str:
    authorised, version = loaded.authorised, loaded.version
    receiver = Receiver(
        authorised.owner,
        version.agent_id,
        authorised.relation,
        version.governance.max_memory_mb,
        version.memory_config.embedding_model,
    )
    content = Content(file.name, "", file.content, source=f"result:{file.name}")
    try:
        result = await attach_file.keep(ports.hub, receiver, loaded.turn.message.sender, content)
    except OSError as away:
        ports.log.error("result_not_kept", error=describe(away))
        return f"{file.name} could not be kept: the store of files is away."
    if isinstance(result, Refused):
        return result.reason
    return f"{file.name}: {ports.files.url(authorised.owner, result.document_id, ports.clock.now())}"
