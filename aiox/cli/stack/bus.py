"""What lies on the bus, read as the operator's own user: for backups and the doctor."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from aiox.cli.stack.home import Home
from aiox.cli.stack.nats import READER
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.nats import INBOUND, servers
from aiox.runtime.settings import Settings

_WAIT_S: Final = 5
_NO_MESSAGE: Final = 404


@dataclass(frozen=True, slots=True)
class State:
    """How much waits, in messages and bytes, since when, and between which numbers of the stream."""

    messages: int
    bytes: int
    oldest: datetime
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message that was admitted and has no outcome yet. `headers` as NATS writes them; its id is in them."""

    subject: str
    headers: bytes
    data: bytes


async def state(home: Home, settings: Settings) -> State:
    """How the inbound stream stands now. Raises CannotGoOn when NATS is away or there is no stream."""
    async with _reader(home, settings) as client:
        return await _state(client)


async def waiting(home: Home, settings: Settings) -> AsyncIterator[Waiting]:
    """Every message that waits when it is asked for, oldest first; one acknowledged meanwhile is left out.

    Nothing is taken away. Raises CannotGoOn.
    """
    async with _reader(home, settings) as client:
        now = await _state(client)
        number = now.first
        while number <= now.last:
            found = await _ask(client, f"STREAM.MSG.GET.{INBOUND}", {"seq": number, "next_by_subj": ">"})
            if found.get("error", {}).get("code") == _NO_MESSAGE:
                return
            message = _good(found)["message"]
            if message["seq"] > now.last:
                return
            yield Waiting(message["subject"], _decoded(message.get("hdrs")), _decoded(message.get("data")))
            number = message["seq"] + 1


async def _state(client: Client) -> State:
    said = _good(await _ask(client, f"STREAM.INFO.{INBOUND}", {}))["state"]
    oldest = datetime.fromisoformat(said["first_ts"][:19] + "+00:00")  # nanoseconds, which Python does not read
    return State(said["messages"], said["bytes"], oldest, said["first_seq"], said["last_seq"])


def _good(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise CannotGoOn(f"NATS refuses to show what waits: {answer['error'].get('description', 'no reason given')}")
    return answer


async def _ask(client: Client, what: str, question: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = await client.request(f"$JS.API.{what}", json.dumps(question).encode(), timeout=_WAIT_S)
    except (NatsError, OSError) as away:
        raise CannotGoOn(f"NATS does not answer: {type(away).__name__}. Mend: see nats.log") from away
    said: dict[str, Any] = json.loads(answer.data)
    return said


def _decoded(text: str | None) -> bytes:
    return base64.b64decode(text) if text else b""


@asynccontextmanager
async def _reader(home: Home, settings: Settings) -> AsyncIterator[Client]:
    password = home.secrets("stack").read("nats_backup")
    try:
        client = await nats.connect(
            servers(settings),
            user=READER,
            password=password,
            inbox_prefix=f"_INBOX.{READER}",
            connect_timeout=_WAIT_S,
            allow_reconnect=False,
        )
    except (NatsError, OSError) as away:
        raise CannotGoOn(f"NATS does not answer: {type(away).__name__}. Mend: see nats.log") from away
    try:
        yield client
    finally:
        await client.close()
