"""The operator's certificate at a running XMPP server: shown to who comes from elsewhere, anew when it was renewed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aiox.cli.doctor.starttls import CLIENT, NotShown, shown
from aiox.cli.stack import ejabberd as part
from aiox.cli.stack.ca import new_ca, new_leaf
from aiox.cli.stack.home import private_file
from aiox.cli.stack.xmpp_accounts import ServerAccounts, answers
from aiox.runtime.clock import SystemClock
from aiox.runtime.public_settings import Public
from aiox.runtime.settings import Settings
from tests.stack import Place

ELSEWHERE = "127.0.0.9"
NOTICED_S = 1.1
"""The server tells a changed file by the second of its change."""


class Operator:
    """Has an authority that the hub's own clients do not know by themselves, and two files."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.folder, self.issuer = place, folder, new_ca(SystemClock().now())
        pem = self.issuer.certificate.public_bytes(Encoding.PEM).decode()
        (folder / "authority.pem").write_text(pem)
        self.trust = ssl.create_default_context(cadata=pem)
        public = Public(addresses=(ELSEWHERE,), certificate=folder / "chain.pem", key=folder / "key.pem")
        federation = place.settings.federation.model_copy(update={"authority_file": folder / "authority.pem"})
        self.settings: Settings = place.settings.model_copy(update={"public": public, "federation": federation})

    def renew(self, days: int) -> None:
        domain = self.settings.domain
        names = [x509.DNSName(domain), x509.DNSName(f"agents.{domain}")]
        chain, key = new_leaf(self.issuer, domain, names, SystemClock().now(), days)
        (self.folder / "chain.pem").write_text(chain)
        (self.folder / "key.pem").write_text(key)

    async def push(self, config: Path, by: Settings) -> None:
        """Under the name of the certificate that this server began with: a running one takes no other name."""
        await asyncio.sleep(NOTICED_S)
        secrets = self.place.home.secrets("xmpp")
        secrets.write("tls.key", (self.folder / "key.pem").read_text())
        secrets.write("tls.crt", (self.folder / "chain.pem").read_text())
        only = self.settings.model_copy(update={"public": Public(addresses=(ELSEWHERE,))})
        private_file(config, part.render(self.place.home, only))
        await ServerAccounts(self.place.home, by).reload()

    async def sees(self, days: int) -> None:
        """Waits until who comes from elsewhere is shown a certificate that holds for about so many days."""
        wanted, found = SystemClock().now() + timedelta(days=days), datetime.min
        port = self.settings.ports.xmpp_client
        async with asyncio.timeout(120):
            while abs(found.replace(tzinfo=wanted.tzinfo) - wanted) > timedelta(hours=1):
                with suppress(NotShown):
                    found = await shown(ELSEWHERE, port, self.settings.domain, CLIENT, self.trust)
                await asyncio.sleep(0.1)


@asynccontextmanager
async def as_before(operator: Operator, config: Path, before: str) -> AsyncIterator[None]:
    """The server is the other tests', too."""
    secrets = operator.place.home.secrets("xmpp")
    own = {name: secrets.read(name) for name in ("tls.key", "tls.crt")}
    try:
        yield
    finally:
        await asyncio.sleep(NOTICED_S)
        private_file(config, before)
        for name, text in own.items():
            secrets.write(name, text)
        await ServerAccounts(operator.place.home, operator.settings).reload()
        async with asyncio.timeout(120):
            while not await answers(operator.place.home, operator.place.settings):
                await asyncio.sleep(0.1)


@pytest.fixture
def config(ejabberd: Place) -> Path:
    return ejabberd.home.part("ejabberd") / "ejabberd.yml"


@pytest.fixture
def before(config: Path) -> str:
    return config.read_text()


async def test_who_comes_from_elsewhere_is_shown_the_operators_certificate(
    ejabberd: Place, tmp_path: Path, config: Path, before: str
) -> None:
    operator = Operator(ejabberd, tmp_path)
    async with as_before(operator, config, before):
        operator.renew(90)
        await operator.push(config, ejabberd.settings)
        await operator.sees(90)
        assert await answers(ejabberd.home, operator.settings), "the hub's own parts take it, too"
        assert not await answers(ejabberd.home, ejabberd.settings), "only where the operator has said so"
        operator.renew(30)
        await operator.push(config, operator.settings)
        await operator.sees(30)
    with pytest.raises(NotShown):
        await shown(ELSEWHERE, ejabberd.settings.ports.xmpp_client, ejabberd.settings.domain, CLIENT, operator.trust)
