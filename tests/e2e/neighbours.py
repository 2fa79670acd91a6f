"""Two whole hubs on one machine that meet as any two servers do: over TLS, each with an authority of its own.

Each is known to the other's server by name. An authority file names both authorities, so that either may knock.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aiox.cli.peers import Given
from aiox.cli.stack import ca, credentials
from aiox.cli.stack.ca import Issuer, new_ca, new_leaf
from aiox.cli.stack.home import prepare
from aiox.runtime.clock import SystemClock
from aiox.runtime.federation_settings import Federation
from aiox.runtime.settings import Ledger, Settings, Telemetry
from tests.e2e.impostor import Identity
from tests.ports import candidate, is_free
from tests.stack import RunningHub, free_ports

NOTHING = Given(False, False, False, None, None, None, False, "")
SEES = Given(True, True, False, None, None, None, False, "")


@dataclass(frozen=True)
class Neighbours:
    """Two hubs, and an authority that both believe beside their own; `folder` is for files of tests."""

    a: RunningHub
    b: RunningHub
    authority: Issuer
    folder: Path

    def identity(self, name: str, *hosts: str, issuer: Issuer | None = None, days: int = 30) -> Identity:
        """A certificate for these hosts, of the authority that both believe or another one; `days` may be over."""
        now = SystemClock().now()
        names = [x509.DNSName(host) for host in hosts]
        begun = now - timedelta(days=100)
        pem, key = new_leaf(
            issuer or self.authority, name, names, begun if days < 0 else now, 100 + days if days < 0 else days
        )
        found = Identity(self.folder / f"{uuid4().hex}.crt", self.folder / f"{uuid4().hex}.key")
        found.certificate.write_text(pem)
        found.key.write_text(key)
        return found

    def another_authority(self) -> Issuer:
        """One that nobody believes."""
        return new_ca(SystemClock().now())

    def authority_of(self, hub: RunningHub) -> Issuer:
        """A hub's own authority, as who has stolen its key has it."""
        return ca._read_ca(hub.home.secrets("stack"))


def loopback() -> tuple[str, str, str, int]:
    """Three addresses of loopback that are this process's alone, and a port that is free on all."""
    while True:
        net = f"127.{10 + secrets.randbelow(200)}.{secrets.randbelow(250)}"
        port = candidate()
        addresses = f"{net}.2", f"{net}.3", f"{net}.4"
        if all(is_free(port, address) for address in addresses):
            return *addresses, port


@asynccontextmanager
async def neighbours(strangers: str = "knock", more: Mapping[str, str] | None = None) -> AsyncIterator[Neighbours]:
    """Two hubs that run; stopped and deleted in the end. `more`: settings of their processes as environment."""
    folder = Path(tempfile.mkdtemp(prefix="aiox-test-"))
    try:
        first, second, third, port = loopback()
        names = {"a": "a.test", "b": "b.test"}
        at = dict(zip(names.values(), (first, second), strict=True))
        hosts = {f"{part}{name}": address for name, address in at.items() for part in ("", "agents.", "conference.")}
        hosts["plain.test"] = third
        authorities = folder / "authorities.pem"
        hubs = []
        for letter, name in names.items():
            wanted = Federation.model_validate(
                {
                    "address": at[name],
                    "port": port,
                    "strangers": strangers,
                    "authorities": "pinned",
                    "authority_file": authorities,
                    "hosts": hosts,
                }
            )
            settings = Settings(
                home=folder / letter,
                domain=name,
                ports=free_ports(),
                telemetry=Telemetry(sample_rate=1.0),
                ledger=Ledger(checkpoint_s=2),
                federation=wanted,
            )
            extra = {"AIOX_FEDERATION": json.dumps(wanted.model_dump(mode="json")), **(more or {})}
            hubs.append(RunningHub(prepare(settings), settings, extra))
        authority = new_ca(SystemClock().now())
        own = authority.certificate.public_bytes(Encoding.PEM).decode()
        authorities.write_text("\n".join([own, *(_authority(hub) for hub in hubs)]))
        try:
            await asyncio.gather(*(hub.start() for hub in hubs))
            yield Neighbours(hubs[0], hubs[1], authority, folder)
        finally:
            await asyncio.gather(*(hub.stop() for hub in hubs))
    finally:
        shutil.rmtree(folder)


def _authority(hub: RunningHub) -> str:
    credentials.ensure(hub.home)
    ca.ensure(hub.home, hub.settings.domain, SystemClock().now())
    return hub.home.secrets("xmpp").read("ca.crt")


async def until(found: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for something to be so."""
    async with asyncio.timeout(seconds):
        while not found():
            await asyncio.sleep(0.05)
