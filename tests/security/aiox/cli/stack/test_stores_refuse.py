"""Nobody gets into a store without credentials, and with one service's credentials only into that service's part."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from nats import connect
from nats.aio.client import Client
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError

from aiox.cli.stack import nats as nats_part
from aiox.runtime.nats import OUTBOX_READY, WORKER_BEAT
from tests.stack import Place, new_place


async def bus(place: Place, user: str) -> tuple[Client, list[Exception]]:
    """A connection as this user, and the errors the server sends it."""
    errors: list[Exception] = []

    async def failed(error: Exception) -> None:
        errors.append(error)

    client = await connect(
        f"nats://127.0.0.1:{place.settings.ports.nats}",
        user=user,
        password=place.home.secrets(user).read("nats"),
        inbox_prefix=f"_INBOX.{user}",
        error_cb=failed,
        allow_reconnect=False,
    )
    return client, errors


async def arrived(client: Client) -> None:
    """Returns when the server has all that was said before.

    nats-py writes a ping past what waits for its flusher: one flush alone is no barrier, the second stands behind it.
    """
    await client.flush()
    await client.flush()


async def listens_in(place: Place, spy: str, subject: str) -> bool:
    """Whether `spy` hears what the orchestrator publishes on `subject`.

    The server has queued the message for the spy before it answers the speaker's flush, and the spy's behind it: then
    the spy's own loop has it, and draining the subscription hands it on.
    """
    heard = asyncio.Event()

    async def hear(message: Any) -> None:
        heard.set()

    client, _ = await bus(place, spy)
    speaker, _ = await bus(place, "orchestrator")
    try:
        listening = await client.subscribe(subject, cb=hear)
        await arrived(client)
        await speaker.publish(subject, b"secret")
        await arrived(speaker)
        await arrived(client)
        await listening.drain()  # type: ignore[no-untyped-call]
    finally:
        await client.close()
        await speaker.close()
    return heard.is_set()


async def test_the_component_hears_the_outbox(nats: Place) -> None:
    assert await listens_in(nats, "component", OUTBOX_READY)


async def test_a_worker_does_not_hear_the_outbox(nats: Place) -> None:
    assert not await listens_in(nats, "ai_worker", OUTBOX_READY)


@pytest.mark.control
async def test_a_worker_without_limits_would_hear_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nats_part._RIGHTS, "ai_worker", ([">"], [">"]))
    place = new_place(tmp_path)
    process = await nats_part.start(place.home, place.settings)
    try:
        assert await listens_in(place, "ai_worker", OUTBOX_READY)
    finally:
        await process.stop()


async def test_a_worker_may_beat_and_not_admit(nats: Place) -> None:
    client, errors = await bus(nats, "ai_worker")
    await client.publish(WORKER_BEAT, b"{}")
    await arrived(client)
    assert not errors
    await client.publish("aiox.in.0", b"forged")
    await arrived(client)
    await client.close()
    assert "Permissions Violation" in str(errors[0]) or "permissions violation" in str(errors[0])


async def test_nats_without_a_password(nats: Place) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", nats.settings.ports.nats)
    await reader.readline()
    writer.write(b"CONNECT {}\r\nPING\r\n")
    assert b"Authorization Violation" in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_redis_without_a_password(redis: Place) -> None:
    client = Redis(port=redis.settings.ports.redis, retry=Retry(NoBackoff(), 0))
    with pytest.raises(AuthenticationError):
        await client.ping()
    await client.aclose()


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("component", ("GET", "st:anything")),
        ("ai_worker", ("GET", "st:anything")),
        ("gateway", ("GET", "st:anything")),
        ("orchestrator", ("FLUSHALL",)),
        ("orchestrator", ("KEYS", "*")),
        ("orchestrator", ("SCAN", "0")),
        ("orchestrator", ("RANDOMKEY",)),
        ("orchestrator", ("DBSIZE",)),
        ("orchestrator", ("SCRIPT", "FLUSH")),
        ("orchestrator", ("SCRIPT", "KILL")),
        ("orchestrator", ("EVAL", "return 1", "0")),
        ("orchestrator", ("SORT", "st:anything")),
        ("orchestrator", ("ACL", "LIST")),
        ("orchestrator", ("MONITOR",)),
        ("orchestrator", ("SUBSCRIBE", "anything")),
        ("gateway", ("SCAN", "0")),
        ("gateway", ("SCRIPT", "FLUSH")),
        ("gateway", ("EVAL", "return 1", "0")),
        ("gateway", ("INFO",)),
        ("gateway", ("FUNCTION", "LIST")),
        ("gateway", ("HGETALL", "aiox:rate:anything")),
        ("orchestrator", ("CONFIG", "GET", "*")),
    ],
)
async def test_redis_beyond_ones_part(redis: Place, user: str, command: tuple[str, ...]) -> None:
    password = redis.home.secrets(user).read("redis")
    client = Redis(port=redis.settings.ports.redis, username=user, password=password)
    assert await client.ping()
    with pytest.raises(NoPermissionError):
        await client.execute_command(*command)  # type: ignore[no-untyped-call]
    await client.aclose()


async def test_postgres_with_anothers_password(postgres: Place) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host="127.0.0.1",
            port=postgres.settings.ports.postgres,
            user="aiox_gateway",
            password=postgres.home.secrets("ai_worker").read("postgres"),
            database="aiox",
        )


@pytest.mark.parametrize("database", ["ejabberd", "postgres"])
async def test_a_service_enters_its_own_database_only(postgres: Place, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(
            host="127.0.0.1",
            port=postgres.settings.ports.postgres,
            user="aiox_gateway",
            password=postgres.home.secrets("gateway").read("postgres"),
            database=database,
        )


async def ask(place: Place, password: str | None) -> int:
    """The HTTP status of one harmless account command."""
    headers = {} if password is None else {"Authorization": aiohttp.encode_basic_auth("hub-api@localhost", password)}
    url = f"https://127.0.0.1:{place.settings.ports.xmpp_http}/api/check_account"
    body = {"user": "hub-api", "host": place.settings.domain}
    async with (
        aiohttp.ClientSession(headers={**headers, "Host": "localhost"}) as session,
        session.post(url, json=body, ssl=False) as answer,
    ):
        await answer.read()
        return answer.status


@pytest.mark.parametrize("password", [None, "guess"])
async def test_accounts_without_the_hubs_password(ejabberd: Place, password: str | None) -> None:
    assert await ask(ejabberd, password) in (401, 403)


@pytest.mark.control
async def test_accounts_with_the_hubs_password(ejabberd: Place) -> None:
    assert await ask(ejabberd, ejabberd.home.secrets("stack").read("xmpp_api")) == 200
