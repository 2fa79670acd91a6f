"""What else a person leaves behind: a file, questions over HTTP, an organisation, a credential, a letter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import structlog

from aiox.commands import credentials, organisations
from aiox.commands.credentials import PutCredential
from aiox.commands.organisations import Found
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime import nats, redis
from aiox.runtime.nats import INBOUND
from tests.e2e.over_http import signed_in, until_ended
from tests.stack import Account, RunningHub

SOON_S = 60.0


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(SOON_S):
        while not await true():
            await asyncio.sleep(0.1)


async def all_is_concluded(hub: RunningHub) -> None:
    """Waits until no message is on its way any more: the bus is empty."""
    bus = await nats.connect(hub.settings, hub.home.secrets("orchestrator"), "orchestrator", structlog.get_logger())

    async def empty() -> bool:
        return (await bus.jetstream().stream_info(INBOUND)).state.messages == 0

    try:
        await until(empty)
    finally:
        await bus.close()


async def leave_more(hub: RunningHub, who: Account, agent: AgentId, word: str) -> UUID:
    """`word` stands in everything. Returns the id of the file, under which it lies in the object store."""
    async with hub.commands() as commands:
        founded = await organisations.found(commands, who.actor, Found(name=f"{word} house"))
        assert not isinstance(founded, Refused), founded
        said = {"kind": "llm", "provider": f"p{uuid4().hex}", "mode": "custom", "secret": f"{word}-key"}
        stored = await credentials.put(commands, who.actor, PutCredential.model_validate(said))
        assert not isinstance(stored, Refused), stored
    async with signed_in(hub, who) as client:
        await _ask(client, agent, word)
        guest = {"email": f"{uuid4().hex}@example.org"}
        invited = await client.post(f"/v1/organisations/{founded.id}/invitations", json=guest)
        assert invited.status_code == 201, invited.text
        reset = await client.post("/v1/password-resets", json={"email": f"{who.jid.partition('@')[0]}@example.org"})
        assert reset.status_code == 202
        return await _give_file(client, agent, word)


async def _ask(client: httpx.AsyncClient, agent: AgentId, word: str) -> None:
    """Twice under one key: the answer is kept for who asks again, and the key with it."""
    path, headers = f"/v1/agents/{agent}/messages", {"Idempotency-Key": f"{word}-once"}
    asked = await client.post(path, json={"text": f"{word} over HTTP"}, headers=headers)
    assert asked.status_code == 202, asked.text
    await until_ended(client, asked.headers["location"])
    draft = await client.patch(f"/v1/agents/{agent}", json={"profile": {"description": f"{word} draft"}})
    assert draft.status_code == 200, draft.text


async def _give_file(client: httpx.AsyncClient, agent: AgentId, word: str) -> UUID:
    where = f"/v1/agents/{agent}/documents"
    text = f"# {word}\n\nThe {word} is in this file, too.\n".encode()
    given = await client.post(where, params={"name": f"{word}.md"}, content=text)
    assert given.status_code == 200, given.text
    name = given.json()["document_id"]

    async def read() -> bool:
        found = (await client.get(f"{where}/{name}")).json()
        assert found["state"] != "failed", found
        return bool(found["state"] == "ready")

    await until(read)
    return UUID(name)


def lies_in_store(hub: RunningHub, name: UUID) -> bool:
    """Whether the object store has this object, or half of it."""
    return any(path.name.startswith(str(name)) for path in (hub.home.root / "objects").rglob("*"))


async def keys_that_name(hub: RunningHub, *texts: str) -> tuple[set[bytes], set[bytes]]:
    """Keys that Redis was ever given and that hold one of the texts; and those of them that it still has.

    No service may list keys, so they are read from the append-only file, in which deleted ones stand until it is
    written anew.
    """
    raw = appended(hub.home.root)
    wanted = "|".join(re.escape(text) for text in texts).encode()
    named = {key for key in re.findall(rb"\r\n([^\r\n]+)\r\n", raw) if re.search(wanted, key)}
    memory = redis.connect(hub.settings, hub.home.secrets("orchestrator"), "orchestrator")
    try:
        return named, {key for key in named if await memory.exists(key)}
    finally:
        await memory.aclose()


def content_of(path: Path) -> bytes:
    """A file of a hub that runs; empty for one that a service has taken away since it was listed."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def appended(home: Path) -> bytes:
    """All that Redis has written down."""
    return b"".join(path.read_bytes() for path in sorted((home / "redis").rglob("*.aof")))
