from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.component.door import Door, open_door
from tests.integration.component.servers import Ejabberd, Nats, ejabberd, nats_server


@pytest.fixture(scope="session")
def xmpp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ejabberd]:
    with ejabberd(tmp_path_factory.mktemp("ejabberd")) as server:
        server.register("alice", "alice-password")
        yield server


@pytest.fixture
def bus_server(tmp_path: Path) -> Iterator[Nats]:
    with nats_server(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def door(xmpp_server: Ejabberd, bus_server: Nats, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(xmpp_server, bus_server, tmp_path) as opened:
        yield opened
