from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stack import Place
from tests.stores import Stores, opened


@pytest.fixture(scope="session")
async def stores(postgres: Place, redis: Place) -> AsyncIterator[Stores]:
    async with opened(postgres.home, postgres.settings) as started:
        yield started
