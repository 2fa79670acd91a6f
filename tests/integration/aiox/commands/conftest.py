from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stores import Stores, running


@pytest.fixture(scope="session")
async def stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stores]:
    async with running(tmp_path_factory.mktemp("stores")) as started:
        yield started
