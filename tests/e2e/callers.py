"""Programs that use the API while its gateways are exchanged: what a caller sees who does as the pages tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import httpx

EVERY_S: Final = 1.0
"""Below what one program may ask in a minute (100 of each action)."""
TRIES: Final = 5
"""The documented retries (docs/upgrading.md): a broken connection or 503 is tried again at the next gateway, a second
later each, under the same Idempotency-Key."""
PAUSE_S: Final = 1.0


@dataclass
class Caller:
    """One program with one token; it reads and asks by turns, and counts."""

    urls: Sequence[str]
    client: httpx.AsyncClient
    agent: str
    calls: int = 0
    again: int = 0
    """Tries after the first."""
    failed: list[str] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)
    """Where each question's turn stands, by its key."""

    async def work(self) -> None:
        """For ever."""
        while True:
            await self.call("GET", "/v1/account")
            await self.ask(f"over HTTP {len(self.asked)}")
            await asyncio.sleep(EVERY_S)

    async def ask(self, text: str) -> None:
        key = str(uuid4())
        answer = await self.call("POST", f"/v1/agents/{self.agent}/messages", {"text": text}, key)
        if answer is not None:
            self.asked[key] = answer.headers["location"]

    async def call(self, method: str, path: str, body: object = None, key: str = "") -> httpx.Response | None:
        """One call with its retries; None when it failed for good, which is counted."""
        self.calls += 1
        headers = {"Idempotency-Key": key} if key else {}
        last = ""
        for attempt in range(TRIES):
            url = self.urls[(self.calls + attempt) % len(self.urls)]
            try:
                answer = await self.client.request(method, f"{url}{path}", json=body, headers=headers)
            except httpx.TransportError as broken:
                last = repr(broken)
            else:
                if answer.is_success:
                    return answer
                last = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
            self.again += 1
            await asyncio.sleep(PAUSE_S)
        self.failed.append(f"{method} {path}: {last}")
        return None

    async def ended(self, seconds: float) -> bool:
        """Whether every question that was taken has its answer within this time."""
        try:
            async with asyncio.timeout(seconds):
                for where in self.asked.values():
                    while (turn := await self.call("GET", where)) is None or turn.json()["ended_at"] is None:
                        await asyncio.sleep(PAUSE_S)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def calling(urls: Sequence[str], email: str, password: str, agent: str) -> AsyncIterator[Caller]:
    """A caller, signed in at the first address."""
    async with httpx.AsyncClient(timeout=30) as client:
        fields = {"email": email, "password": password}
        answer = await client.post(f"{urls[0]}/v1/sessions", json=fields)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield Caller(urls, client, agent)
