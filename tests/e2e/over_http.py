"""Someone with a script: signed in at the HTTP door of a hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.stack import Account, RunningHub

SOON_S = 120.0


@asynccontextmanager
async def signed_in(hub: RunningHub, account: Account) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{hub.settings.ports.gateway}"
    async with httpx.AsyncClient(base_url=url, timeout=SOON_S) as client:
        fields = {"email": f"{account.jid.partition('@')[0]}@example.org", "password": account.password}
        answer = await client.post("/v1/sessions", json=fields)
        assert answer.status_code == 201, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


async def events_of(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> list[tuple[str, Any]]:
    """Every event of a stream that ends by itself."""
    found: list[tuple[str, Any]] = []
    async with client.stream(method, path, json=body, headers={"Accept": "text/event-stream"}) as answer:
        assert answer.status_code == 200, await answer.aread()
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
    return found


async def until_ended(client: httpx.AsyncClient, where: str) -> Any:
    """Asks ever more seldom: nobody may ask more than a hundred times a minute."""
    pause_s = 0.05
    async with asyncio.timeout(SOON_S):
        while True:
            answer = await client.get(where)
            assert answer.status_code == 200, answer.text
            if (turn := answer.json())["ended_at"] is not None:
                return turn
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 2.0)
