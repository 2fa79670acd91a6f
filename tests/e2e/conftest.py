"""Throw-away hubs with a stub where the model's provider is: one whose parts are stopped and broken, one for the pages.

Each is started once, by the first test that asks for it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.async_api import Browser

from aiox.cli.stack.home import prepare
from aiox.runtime.settings import Model, Settings, Telemetry
from bench.stub_model import StubModel, stub_model
from tests.e2e.browser import chromium
from tests.e2e.tool_hub import ToolHub, tool_hub
from tests.stack import RunningHub, free_ports

PRICE = {"match": "openai/stub", "input_usd": 1, "output_usd": 2}
"""US dollars per million tokens."""


@dataclass(frozen=True)
class ModelHub:
    """A running hub and the endpoint its agents think with."""

    hub: RunningHub
    model: StubModel


@pytest.fixture(scope="session")
async def model_hub() -> AsyncIterator[ModelHub]:
    async with stub_model() as stub:
        with TemporaryDirectory(prefix="aiox-test-") as folder:
            settings = Settings(
                home=Path(folder),
                ports=free_ports(),
                telemetry=Telemetry(sample_rate=1.0),
                model=Model(provider="openai", name="stub", api_base=stub.url),
            )
            given = {
                "AIOX_MODEL__API_KEY": "sk-stub",
                "AIOX_PROVIDERS__TERMS": json.dumps([PRICE]),
                "AIOX_PROVIDERS__ALLOWED": json.dumps(["openai/stub*"]),
                "AIOX_PROVIDERS__API_BASES": json.dumps([stub.url]),
            }
            hub = RunningHub(prepare(settings), settings, given)
            await hub.start()
            try:
                yield ModelHub(hub, stub)
            finally:
                await hub.stop()


@pytest.fixture(scope="session")
async def web() -> AsyncIterator[ToolHub]:
    """The hub of all tests of the pages: anybody may sign up."""
    async with tool_hub(AIOX_ACCOUNTS__SIGN_UP="open", AIOX_LEDGER__CHECKPOINT_S="2") as running:
        yield running


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of all tests of the pages."""
    async with chromium() as opened:
        yield opened
