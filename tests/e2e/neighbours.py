"""Two whole hubs on one machine that meet as any two servers do: over TLS, each with an authority of its own.

Each is known to the other's server by name, and found behind a relay that can stop. An authority file names both
authorities, so that either may knock.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
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
from tests.e2e.relay import Relay, relay
from tests.ports import candidate, is_free
from tests.stack import RunningHub, free_ports

FAKES = ("d.test", "e.test")
"""Names of servers that tests play themselves."""

NOTHING = Given(False, False, False, None, None, None, False, "")
SEES = Given(True, True, False, None, None, None, False, "")


@dataclass(frozen=True)
class Neighbours:
    """Two hubs, and an authority that both believe beside their own; `folder` is for files of tests.

    `ways`: what comes to the first hub from the second, and the other way round. `fake_at`: where both look for the
    names of FAKES.
    """

    a: RunningHub
    b: RunningHub
    authority: Issuer
    folder: Path
    ways: tuple[Relay, Relay]
    fake_at: str

    def identity(self, name: str, *hosts: str, issuer: Issuer | None = None, begins: int = 0) -> Identity:
        """A certificate for these hosts, of the authority that both believe or another one.

        It holds for 30 days, from so many days after today on: it may be over, or not have begun.
        """
        names = [x509.DNSName(host) for host in hosts]
        pem, key = new_leaf(
            issuer or self.authority, name, names, SystemClock().now() + timedelta(days=begins), days=30
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


def loopback() -> tuple[list[str], int]:
    """Six addresses of loopback that are this process's alone, and a port that is free on all."""
    while True:
        net = f"127.{10 + secrets.randbelow(200)}.{secrets.randbelow(250)}"
        port = candidate()
        addresses = [f"{net}.{number}" for number in range(2, 8)]
        if all(is_free(port, address) for address in addresses):
            return addresses, port


@asynccontextmanager
async def neighbours(strangers: str = "knock", more: Mapping[str, str] | None = None) -> AsyncIterator[Neighbours]:
    """Two hubs that run; stopped and deleted in the end. `more`: settings of their processes as environment."""
    folder = Path(tempfile.mkdtemp(prefix="aiox-test-"))
    try:
        async with AsyncExitStack() as stack:
            (first, second, plain, to_first, to_second, fake), port = loopback()
            authority, authorities = new_ca(SystemClock().now()), folder / "authorities.pem"
            known = {"plain.test": plain, **_names(fake, *FAKES)}
            hubs = []
            for letter, at, hosts in (
                ("a", first, {**_names(first, "a.test"), **_names(to_second, "b.test")}),
                ("b", second, {**_names(to_first, "a.test"), **_names(second, "b.test")}),
            ):
                wanted = Federation(
                    address=at, port=port, authorities="pinned", authority_file=authorities, hosts={**hosts, **known}
                ).model_copy(update={"strangers": strangers})
                hubs.append(_hub(folder / letter, f"{letter}.test", wanted, more or {}))
            own = authority.certificate.public_bytes(Encoding.PEM).decode()
            authorities.write_text("\n".join([own, *(_authority(hub) for hub in hubs)]))
            ways = [
                await stack.enter_async_context(relay(at, target, port))
                for at, target in ((to_first, first), (to_second, second))
            ]
            try:
                await asyncio.gather(*(hub.start() for hub in hubs))
                yield Neighbours(hubs[0], hubs[1], authority, folder, (ways[0], ways[1]), fake)
            finally:
                await asyncio.gather(*(hub.stop() for hub in hubs))
    finally:
        shutil.rmtree(folder)


def _names(address: str, *domains: str) -> dict[str, str]:
    return {f"{part}{name}": address for name in domains for part in ("", "agents.", "conference.")}


def _hub(home: Path, domain: str, wanted: Federation, more: Mapping[str, str]) -> RunningHub:
    settings = Settings(
        home=home,
        domain=domain,
        ports=free_ports(),
        telemetry=Telemetry(sample_rate=1.0),
        ledger=Ledger(checkpoint_s=2),
        federation=wanted,
    )
    return RunningHub(
        prepare(settings), settings, {"AIOX_FEDERATION": json.dumps(wanted.model_dump(mode="json")), **more}
    )


def _authority(hub: RunningHub) -> str:
    credentials.ensure(hub.home)
    ca.ensure(hub.home, hub.settings.domain, SystemClock().now())
    return hub.home.secrets("xmpp").read("ca.crt")


@asynccontextmanager
async def pushed(hub: RunningHub) -> AsyncIterator[None]:
    """What changes within it, the hub's XMPP server has read behind it."""
    log = hub.home.log_file("up")
    before = log.read_text().count("peers_pushed")
    yield
    await until(lambda: log.read_text().count("peers_pushed") > before)


async def until(found: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for something to be so."""
    async with asyncio.timeout(seconds):
        while not found():
            await asyncio.sleep(0.05)
