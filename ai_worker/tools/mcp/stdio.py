"""A stdio server in the sandbox: no network, no host files but the folders that the operator gave, and limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from ai_worker.sandbox.port import MIB, Job, Limits, Sandbox, Talk
from ai_worker.tools.mcp.streams import Streams
from ai_worker.tools.pin import Place

LIMITS: Final = Limits(wall_s=600.0, cpu_s=60, memory_bytes=512 * MIB, disk_bytes=32 * MIB)
MAX_SAID: Final = 16 * MIB
"""All that a server may say in one turn, in bytes."""


@asynccontextmanager
async def in_sandbox(sandbox: Sandbox, place: Place) -> AsyncIterator[Streams]:
    """A connection to a server that is started for it. Raises SandboxUnavailable. Enter and leave it in one task."""
    into, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, out_of = anyio.create_memory_object_stream[SessionMessage](0)
    async with sandbox.talk(job(place)) as talk, anyio.create_task_group() as group:

        async def hear() -> None:
            """A server that says what is no message, or too much, is not heard any more."""
            said = 0
            async with into:
                try:
                    while line := await talk.reader.readline():
                        said += len(line)
                        if said > MAX_SAID:
                            return
                        await into.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
                except (ValueError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    return

        group.start_soon(hear)
        group.start_soon(_say, out_of, talk)
        try:
            yield Streams(incoming, outgoing, talk.well)
        finally:
            for stream in (incoming, outgoing, into, out_of):
                stream.close()
            group.cancel_scope.cancel()


async def _say(out_of: anyio.abc.ObjectReceiveStream[SessionMessage], talk: Talk) -> None:
    async for message in out_of:
        talk.say(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")


def job(place: Place) -> Job:
    """What is run: the agent's own command, which finds Python, and the operator's folders under /code."""
    inside = [f"/code/{name}" for name, _ in place.code]
    environment = {
        "PATH": ":".join([*(f"{folder}/bin" for folder in inside), "/python/bin"]),
        "PYTHONPATH": ":".join(inside),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }
    return Job(tuple(place.server.command), code=dict(place.code), environment=environment, limits=LIMITS)
