"""A server that starts is asked again and again: what it does not answer yet says nothing against it."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from aiox.cli.stack import credentials
from aiox.cli.stack.home import prepare
from aiox.cli.stack.xmpp_accounts import ServerAccounts, answers
from aiox.runtime.settings import Settings


@pytest.mark.parametrize(
    ("said", "is_up"),
    [(200, True), (401, False), (TimeoutError(), False), (aiohttp.ClientConnectionError(), False)],
)
async def test_up_is_who_answers_to_our_name(
    said: int | Exception, is_up: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call(_self: object, _command: str, _arguments: object) -> tuple[int, object]:
        if isinstance(said, Exception):
            raise said
        return said, 0

    monkeypatch.setattr(ServerAccounts, "call", call)
    settings = Settings(home=tmp_path / "home")
    home = prepare(settings)
    credentials.ensure(home)
    assert await answers(home, settings) is is_up
