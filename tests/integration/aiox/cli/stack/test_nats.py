"""A bus that is gone is known to be within seconds: the library would try for two minutes to reach it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from nats import connect

from aiox.cli.stack import credentials, nats
from aiox.cli.stack.home import prepare
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Settings
from tests.stack import free_ports

SOON_S = nats.CHECK_S + 5


async def test_looking_at_one_that_is_gone_ends_soon(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, ports=free_ports())
    home = prepare(settings)
    credentials.ensure(home)
    began = time.monotonic()
    with pytest.raises(CannotGoOn, match="NATS does not answer"):
        await nats.check(home, settings.ports.nats)
    assert time.monotonic() - began < SOON_S


@pytest.mark.control
async def test_control_the_library_tries_for_longer() -> None:
    async def ignored(_error: Exception) -> None:
        """The library would print each."""

    trying = asyncio.create_task(connect(f"nats://127.0.0.1:{free_ports().nats}", connect_timeout=5, error_cb=ignored))
    done, _ = await asyncio.wait([trying], timeout=SOON_S)
    trying.cancel()
    assert not done
