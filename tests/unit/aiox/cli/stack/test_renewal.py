"""A year has passed: certificates are new, and their users have them, one after the other."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from aiox.cli.stack import ca
from aiox.cli.stack.home import Home
from aiox.cli.stack.parts import Parts
from aiox.cli.stack.renewal import renew
from aiox.runtime.clock import Clock
from aiox.runtime.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["ai_worker", "ai_worker-2", "component", "gateway", "orchestrator"]


class Later:
    def __init__(self, days: int) -> None:
        self._now = NOW + timedelta(days=days)

    def now(self) -> datetime:
        return self._now


class Running:
    """Parts that remember what was asked of them."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def instances(self, service: str) -> list[str]:
        return [name for name in NAMES if name.split("-")[0] == service]

    async def renew(self, name: str) -> None:
        await asyncio.sleep(0)
        self.done.append(name)

    async def reload(self) -> None:
        self.done.append("xmpp")


async def after(folder: Path, days: int) -> list[str]:
    home, running = Home(folder), Running()
    settings = Settings(home=folder, domain="hub.example")
    ca.ensure(home, "hub.example", NOW)
    await renew(home, settings, cast(Parts, running), cast(Clock, Later(days)), running.reload)
    return running.done


async def test_in_order_the_doors_last(tmp_path: Path) -> None:
    done = await after(tmp_path, ca.LEAF_DAYS - ca.RENEW_DAYS + 1)
    assert done == ["xmpp", "ai_worker", "ai_worker-2", "orchestrator", "component", "gateway"]


async def test_nothing_before_its_time(tmp_path: Path) -> None:
    assert await after(tmp_path, ca.LEAF_DAYS - ca.RENEW_DAYS - 1) == []
