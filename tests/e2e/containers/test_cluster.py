"""The profile cluster of docker-compose.yml: of each store one node is lost, and what was admitted is answered once.

The PostgreSQL is lost for good, and its follower promoted as docs/runbooks/postgres-failover.md says.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest

from bench.load.crowd import Crowd, crowd
from setup.prove import note
from tests.e2e.containers.engine import FOLDER
from tests.e2e.containers.hub import BACK_S, CLUSTERED, PEOPLE, Contained, ask_all, contained
from tests.e2e.containers.scan import plain_text, speaks_tls

LOST: Final = ("nats", "redis", "ejabberd")
SERVERS: Final = ("ejabberd", "ejabberd-2", "ejabberd-3")

pytestmark = [pytest.mark.prove, pytest.mark.timeout(0)]


@pytest.fixture(scope="module")
async def hub() -> AsyncIterator[Contained]:
    began = time.monotonic()
    async with contained(FOLDER, clustered=True) as running:
        count = len(await running.engine.containers())
        note(f"compose cluster: {count} containers up after {time.monotonic() - began:.0f} s")
        yield running


async def test_every_node_is_up_and_healthy(hub: Contained) -> None:
    for service in (one for stage in CLUSTERED for one in stage):
        for found in await hub.engine.containers(service):
            assert await hub.engine.healthy(found), found.name


async def test_no_published_port_speaks_plain_text(hub: Contained) -> None:
    published = set()
    for one in await hub.engine.containers():
        ports = (await hub.engine.inspect(one))["NetworkSettings"]["Ports"] or {}
        published |= {int(host["HostPort"]) for hosts in ports.values() for host in hosts or ()}
    assert published == {hub.xmpp_port, hub.web_port, *hub.more_ports}
    for port in sorted(published):
        assert await plain_text(port) == []
    for port in (hub.web_port, hub.more_ports[-1]):
        assert await speaks_tls(port, hub.ca, "localhost")


async def test_of_each_store_a_node_is_lost(hub: Contained) -> None:
    took: dict[str, float] = {}
    async with crowd(await hub.members(PEOPLE)) as together:
        await _answered(together, "at first")
        for service in LOST:
            await ask_all(together)
            began = time.monotonic()
            await hub.engine.kill((await hub.engine.containers(service))[0])
            await ask_all(together)
            await _answered(together, service)
            took[service] = time.monotonic() - began
            await hub.engine.whole([service], BACK_S)
        await ask_all(together)
        began = time.monotonic()
        await hub.engine.compose(*hub.profiles, "stop", "postgres")
        await ask_all(together)
        await _promoted(hub)
        await _answered(together, "postgres")
        took["postgres"] = time.monotonic() - began
        messages = together.messages()
    told = "; ".join(f"{service} {seconds:.0f}" for service, seconds in took.items())
    note(f"compose cluster: {len(messages)} messages; seconds from a loss to all answered: {told}")
    assert [message.id for message in messages if len({id_ for _, id_ in message.answers}) != 1] == []


async def _answered(together: Crowd, what: str) -> None:
    await ask_all(together)
    assert await together.receipted(BACK_S), what
    assert await together.answered(BACK_S), what


async def _promoted(hub: Contained) -> None:
    """docs/runbooks/postgres-failover.md, steps 2 and 3."""
    follower = (await hub.engine.containers("postgres-2"))[0].name
    await hub.engine.podman("exec", follower, "/opt/aiox/.venv/bin/aiox", "promote")
    turned = {**hub.engine.environment, "AIOX_POSTGRES_HOSTS": "postgres-2,postgres"}
    engine = replace(hub.engine, environment=turned)
    await engine.compose(*hub.profiles, "up", "-d", "--no-build", "--no-deps", "--force-recreate", *SERVERS)
    await engine.whole(SERVERS, BACK_S)
    # podman-compose makes anew what depends on what it makes anew, and does not start it.
    await engine.compose(*hub.profiles, "up", "-d", "--no-build", "--no-deps", "component")
    await engine.whole(["component"], BACK_S)
