"""One embedder for the tests of memory, and an agent for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ai_worker.memory.minilm import MiniLM
from aiox.runtime.logs import configure_logs
from aiox.runtime.settings import load_settings
from aiox.runtime.supervisor import Supervisor
from tests.integration.ai_worker.memory.known import Counting, Known, another
from tests.stores import Stores


@pytest.fixture(scope="module")
async def embedder() -> AsyncIterator[Counting]:
    supervisor = Supervisor(configure_logs("test", "ERROR"))
    minilm = MiniLM(load_settings().minilm_folder, "minilm")
    supervisor.start("embedder", minilm.run())
    yield Counting(minilm)
    await supervisor.stop()


@pytest.fixture
async def known(stores: Stores, embedder: Counting) -> Known:
    return await another(stores, embedder)
