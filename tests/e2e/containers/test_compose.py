"""docker-compose.yml built and run for real by podman: chat from outside, one replica of each killed meanwhile.

The base images are stand-ins of Debian packages (setup/stand_in.sh); docs/containers.md says what that cannot show.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from bench.load.crowd import crowd
from setup.prove import note
from tests.e2e.containers.engine import FOLDER
from tests.e2e.containers.hub import BACK_S, PEOPLE, REPLICAS, UID, Contained, ask_all, contained
from tests.e2e.containers.scan import plain_text, speaks_tls

PASSWORD: Final = "correct horse battery"

pytestmark = [pytest.mark.prove, pytest.mark.timeout(0)]


@pytest.fixture(scope="module")
async def hub() -> AsyncIterator[Contained]:
    began = time.monotonic()
    async with contained(FOLDER) as running:
        note(f"compose: built and up after {time.monotonic() - began:.0f} s")
        yield running


def of_process(pid: int, name: str) -> list[str]:
    """Lines of what the kernel says of a process."""
    return Path(f"/proc/{pid}/{name}").read_text().splitlines()


async def test_every_replica_is_up_and_healthy(hub: Contained) -> None:
    for service, count in REPLICAS.items():
        found = await hub.engine.containers(service)
        assert len(found) == count, service
        for one in found:
            assert await hub.engine.healthy(one), one.name


async def test_nobody_is_root_nor_may_write_nor_has_a_capability(hub: Contained) -> None:
    for one in await hub.engine.containers():
        known = await hub.engine.inspect(one)
        assert known["HostConfig"]["ReadonlyRootfs"] is True, one.name
        status = dict(line.split(":\t", 1) for line in of_process(one.pid, "status") if ":\t" in line)
        assert status["Uid"].split() == [str(UID)] * 4, one.name
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, one.name
        assert status["NoNewPrivs"] == "1", one.name
        touched = await hub.engine.podman("exec", one.name, "sh", "-c", "touch /etc/x /opt/x 2>&1 || echo refused")
        assert touched.strip().endswith("refused"), one.name


async def test_stores_have_no_way_out(hub: Contained) -> None:
    for service in ("postgres", "redis", "nats", "component"):
        for one in await hub.engine.containers(service):
            routes = of_process(one.pid, "net/route")[1:]
            assert routes, one.name
            assert "00000000" not in {line.split()[1] for line in routes}, one.name


async def test_no_published_port_speaks_plain_text(hub: Contained) -> None:
    published = set()
    for one in await hub.engine.containers():
        ports = (await hub.engine.inspect(one))["NetworkSettings"]["Ports"] or {}
        published |= {int(host["HostPort"]) for hosts in ports.values() for host in hosts or ()}
    assert published == {hub.xmpp_port, hub.web_port}
    for port in sorted(published):
        assert await plain_text(port) == []
    assert await speaks_tls(hub.web_port, hub.ca, "localhost")


async def test_somebody_outside_chats_with_an_agent(hub: Contained, tmp_path: Path) -> None:
    file = hub.data / "password"
    file.write_text(PASSWORD)
    file.chmod(0o644)
    said = await hub.operator(
        "user", "add", "ada@example.org", "--name", "ada", "--password-file", "/var/lib/aiox/password"
    )
    assert "ada@localhost" in said
    made = await hub.operator("agent", "create", "--name", "Ada", "--alias", "ada", "--owner", "ada@example.org")
    assert "agents.localhost" in made
    (tmp_path / "password").write_text(PASSWORD)
    where = ("--host", "127.0.0.1", "--port", str(hub.xmpp_port), "--ca", str(hub.ca))
    who = ("--jid", "ada@localhost", "--password-file", str(tmp_path / "password"))
    words = (sys.executable, "-m", "aiox.cli.main", "chat", "ada", *who, *where, "--once", "Is anybody in there?")
    told = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == "echo: Is anybody in there?"


async def test_the_pages_and_the_api_are_behind_tls(hub: Contained) -> None:
    trusted = ssl.create_default_context(cafile=str(hub.ca))
    async with httpx.AsyncClient(base_url=f"https://localhost:{hub.web_port}", verify=trusted) as client:
        assert (await client.get("/")).status_code == httpx.codes.OK
        assert (await client.get("/metrics")).status_code == httpx.codes.NOT_FOUND
        signed_in = await client.post("/v1/sessions", json={"email": "ada@example.org", "password": PASSWORD})
        assert signed_in.status_code == httpx.codes.CREATED, signed_in.text


async def test_the_chat_goes_on_while_one_replica_of_each_is_killed(hub: Contained) -> None:
    took: dict[str, tuple[float, float]] = {}
    async with crowd(await hub.members(PEOPLE)) as together:
        await ask_all(together)
        assert await together.answered(BACK_S)
        for service in REPLICAS:
            victim = (await hub.engine.containers(service))[-1]
            await ask_all(together)
            began = time.monotonic()
            await hub.engine.kill(victim)
            await ask_all(together)
            assert await together.receipted(BACK_S), service
            assert await together.answered(BACK_S), service
            answered = time.monotonic() - began
            await hub.engine.whole([service], BACK_S)
            again = await hub.engine.named(victim.name)
            assert again.pid not in (0, victim.pid), service
            took[service] = answered, time.monotonic() - began
        messages = together.messages()
    told = "; ".join(f"{service} {answered:.0f}/{whole:.0f}" for service, (answered, whole) in took.items())
    note(f"compose: {len(messages)} messages; seconds from a kill to all answered/container healthy: {told}")
    assert [message.id for message in messages if len({id_ for _, id_ in message.answers}) != 1] == []
