"""Fixtures for all tests: a whole throw-away hub, or single parts of one. Lazy: who asks for none pays for none."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest

from aiox.cli.stack import ejabberd as ejabberd_part
from aiox.cli.stack import nats as nats_part
from aiox.cli.stack import postgres as postgres_part
from aiox.cli.stack import redis as redis_part
from tests.s3_server import S3Server
from tests.s3_server import s3_server as serve_s3
from tests.stack import Place, RunningHub, new_place, throw_away

for _name in [name for name in os.environ if name.startswith("AIOX_")]:
    del os.environ[_name]  # a developer's own hub is none of the tests' business


hypothesis.settings.register_profile(
    "repeatable",
    deadline=None,  # a busy machine is no defect
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("seeded", parent=hypothesis.settings.get_profile("repeatable"), derandomize=False)


def pytest_configure(config: pytest.Config) -> None:
    """The same examples in each run; others when a seed is given, as `make prove` does."""
    seeded = config.getoption("--hypothesis-seed", default=None) is not None
    hypothesis.settings.load_profile("seeded" if seeded else "repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the whole hub carries the mark `stack`."""
    for item in items:
        if "hub" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")


@pytest.fixture(scope="session")
async def hub() -> AsyncIterator[RunningHub]:
    """A whole hub without the demo, every turn traced, started by `aiox up` once for all tests."""
    async with throw_away() as running:
        await running.start()
        yield running


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3-compatible object store with one bucket and one user."""
    with serve_s3() as running:
        yield running


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """A home for single parts."""
    with TemporaryDirectory(prefix="aiox-test-") as folder:
        yield new_place(Path(folder))


@pytest.fixture(scope="session")
async def postgres(place: Place) -> AsyncIterator[Place]:
    """PostgreSQL alone, at the newest revision."""
    process = await postgres_part.start(place.home, place.settings.ports.postgres)
    try:
        await postgres_part.migrate(place.home, place.settings.ports.postgres)
        yield place
    finally:
        await process.stop()


@pytest.fixture(scope="session")
async def redis(place: Place) -> AsyncIterator[Place]:
    """Redis alone."""
    process = await redis_part.start(place.home, place.settings.ports.redis)
    yield place
    await process.stop()


@pytest.fixture(scope="session")
async def nats(place: Place) -> AsyncIterator[Place]:
    """NATS with JetStream alone."""
    process = await nats_part.start(place.home, place.settings)
    yield place
    await process.stop()


@pytest.fixture(scope="session")
async def ejabberd(postgres: Place) -> AsyncIterator[Place]:
    """The XMPP server on its PostgreSQL."""
    process = await ejabberd_part.start(postgres.home, postgres.settings)
    yield postgres
    await process.stop()
