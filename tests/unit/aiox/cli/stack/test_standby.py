"""What commits wait for, and when a follower becomes the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from aiox.cli.stack import standby
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.logs import Log
from aiox.runtime.postgres import LoneConnection
from aiox.runtime.settings import Settings


class Server:
    """A PostgreSQL as far as the watch over its follower asks it."""

    def __init__(self, *, followed: bool, waits_for: str = "", follows: bool = False) -> None:
        self.followed = followed
        self.waits_for = waits_for
        self.follows = follows

    async def fetchval(self, question: str, *_: object) -> Any:
        if "pg_is_in_recovery" in question:
            return self.follows
        return self.waits_for if question.startswith("SHOW") else int(self.followed)

    async def execute(self, statement: str) -> None:
        if statement.startswith("ALTER SYSTEM"):
            self.waits_for = statement.split("'")[1]


class Said:
    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, **_: object) -> None:
        self.events.append(event)

    error = info


async def look(server: Server, gone_since: float | None, said: Said) -> float | None:
    return await standby._look(cast(LoneConnection, server), gone_since, cast(Log, said))


async def test_commits_wait_for_a_follower_that_is_there() -> None:
    server, said = Server(followed=True), Said()
    assert await look(server, None, said) is None
    assert server.waits_for == "aiox_replica"
    assert said.events == ["follower_in_step"]


async def test_one_that_is_away_for_a_moment_is_waited_for_and_then_no_longer() -> None:
    server, said = Server(followed=False, waits_for="aiox_replica"), Said()
    since = await look(server, None, said)
    assert since is not None
    assert server.waits_for == "aiox_replica"
    await look(server, since - standby.GONE_S, said)
    assert server.waits_for == ""
    assert said.events == ["follower_gone"]


async def test_one_that_was_promoted_waits_for_nobody_it_was_told_of_before() -> None:
    server, said = Server(followed=False, waits_for="aiox_replica", follows=True), Said()
    assert await look(server, None, said) is None
    server.follows = False
    since = await look(server, None, said)
    assert since is not None
    await look(server, since - standby.GONE_S, said)
    assert server.waits_for == ""


async def test_nobody_is_promoted_who_follows_nobody(tmp_path: Path) -> None:
    with pytest.raises(CannotGoOn, match="follows nobody"):
        await standby.promote(Home(tmp_path), Settings(home=tmp_path))
