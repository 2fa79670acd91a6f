"""Whose certificates the parts of the hub take for those of its own XMPP server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aiox.cli.stack.ca import Issuer, new_ca, new_leaf
from aiox.runtime.clock import SystemClock
from aiox.runtime.federation_settings import Federation
from aiox.runtime.public_settings import Public
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Ports, Settings
from aiox.runtime.xmpp_server import XmppServer

DOMAIN = "hub.example.org"


class World:
    """The hub's own authority, another that the operator believes, and a server that shows what it is told to."""

    def __init__(self, folder: Path) -> None:
        now = SystemClock().now()
        self.folder, self.own, self.others = folder, new_ca(now), new_ca(now)
        self.secrets = Secrets(folder)
        for name, issuer in (("ca.crt", self.own), ("others.pem", self.others)):
            self.secrets.write(name, issuer.certificate.public_bytes(Encoding.PEM).decode())
        self.secrets.write("xmpp_api", "secret")

    def settings(self, port: int, *, public: bool) -> Settings:
        shown = Public(certificate=self.folder / "a.pem", key=self.folder / "b.pem") if public else Public()
        wanted = Federation(authority_file=self.folder / "others.pem")
        return Settings(domain=DOMAIN, ports=Ports(xmpp_http=port), public=shown, federation=wanted)

    @asynccontextmanager
    async def server(self, issuer: Issuer, name: str) -> AsyncIterator[int]:
        pem, key = new_leaf(issuer, name, [x509.DNSName(name)], SystemClock().now())
        (self.folder / "server.pem").write_text(pem + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n0")
            writer.close()

        listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        async with listening:
            yield listening.sockets[0].getsockname()[1]

    async def asked(self, issuer: Issuer, name: str = DOMAIN, *, public: bool = False) -> int:
        """The status that the server answers, as the gateway asks it."""
        async with self.server(issuer, name) as port:
            status, _ = await XmppServer(self.settings(port, public=public), self.secrets, "hub-gateway").call("x", {})
        return status


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("public", [False, True])
async def test_the_hubs_own_authority_counts_for_its_domain(world: World, *, public: bool) -> None:
    assert await world.asked(world.own, public=public) == 200


async def test_the_operators_authority_counts_where_the_server_shows_a_certificate_of_theirs(world: World) -> None:
    assert await world.asked(world.others, public=True) == 200


async def test_else_it_does_not(world: World) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await world.asked(world.others)


@pytest.mark.parametrize("issuer", ["own", "others"])
async def test_a_certificate_for_another_name_never_counts(world: World, issuer: str) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await world.asked(getattr(world, issuer), "other.example.org", public=True)
