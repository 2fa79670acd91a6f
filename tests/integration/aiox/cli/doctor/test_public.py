"""What a public hub needs, looked at against stand-ins on loopback: a name server, and one that speaks STARTTLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aiox.cli.doctor.finding import Finding
from aiox.cli.doctor.names import Names, NamesAway, Place
from aiox.cli.doctor.public import look_at_public
from aiox.cli.stack.ca import Issuer, new_ca, new_leaf
from aiox.runtime.clock import SystemClock
from aiox.runtime.federation_settings import Federation
from aiox.runtime.settings import Ports, Settings
from tests.e2e.prosody import Names as NameServer

DOMAIN = "hub.example.org"
AGENTS = f"agents.{DOMAIN}"
SERVER, CLIENT = "_xmpp-server._tcp", "_xmpp-client._tcp"
_A, _SRV = 1, 33


class Zone(NameServer):
    """A name server with these records; a name without any is not there."""

    def __init__(self, records: Mapping[tuple[str, int], list[bytes]]) -> None:
        super().__init__({name: "" for name, _ in records}, 0)
        self._records = records

    def _found(self, name: str, kind: int) -> list[bytes]:
        return self._records.get((name, kind), [])


def a_record(address: str) -> list[bytes]:
    return [socket.inet_aton(address)]


def srv_record(target: str, port: int) -> list[bytes]:
    name = b"".join(bytes([len(part)]) + part.encode() for part in target.split(".")) + b"\0"
    return [struct.pack(">HHH", 0, 0, port) + name]


@dataclass
class World:
    """A server that shows one certificate, the names that lead to it, and the hub's settings."""

    folder: Path
    issuer: Issuer
    port: int
    shows: tuple[list[str], int] = ([DOMAIN, AGENTS], 90)
    plain: bool = False
    records: dict[tuple[str, int], list[bytes]] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.records |= {(name, _A): a_record("127.0.0.1") for name in (DOMAIN, AGENTS)}
        for service in (f"{SERVER}.{DOMAIN}", f"{SERVER}.{AGENTS}", f"{CLIENT}.{DOMAIN}"):
            self.records[service, _SRV] = srv_record(DOMAIN, self.port)
        ports = Ports(xmpp_client=self.port)
        wanted = Federation(address="0.0.0.0", port=self.port)  # noqa: S104 -- nothing is opened
        self.settings = Settings(domain=DOMAIN, home=self.folder, federation=wanted, ports=ports)

    @property
    def trust(self) -> ssl.SSLContext:
        """As a machine that knows this authority."""
        pem = self.issuer.certificate.public_bytes(Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A stream as far as its encryption (RFC 6120, section 5)."""
        names, days = self.shows
        begins = SystemClock().now() - timedelta(days=2 if days < 0 else 0)
        pem, key = new_leaf(self.issuer, names[0], [x509.DNSName(one) for one in names], begins, abs(days))
        (self.folder / "pem").write_text(pem + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "pem")
        try:
            await reader.readuntil(b"version='1.0'>")
            tls = "" if self.plain else "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
            writer.write(f"<stream:stream id='1'><stream:features>{tls}</stream:features>".encode())
            await reader.readuntil(b"/>")
            writer.write(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            await writer.drain()
            await writer.start_tls(context)
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever looked has seen enough
        finally:
            writer.close()

    async def looked_at(self, libraries: str = "ejabberd-26.7", **more: Any) -> list[Finding]:
        (self.folder / libraries).mkdir(exist_ok=True)
        async with zone(self.records) as names:
            now = SystemClock().now()
            return await look_at_public(self.settings, now, names, self.trust, lambda: str(self.folder), **more)


@asynccontextmanager
async def zone(records: Mapping[tuple[str, int], list[bytes]]) -> AsyncIterator[Names]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Zone(records), local_addr=("127.0.0.1", 0))
    try:
        async with Names(["127.0.0.1"], transport.get_extra_info("sockname")[1]) as names:
            yield names
    finally:
        transport.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    def handed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        return made[0].serve(reader, writer)

    made: list[World] = []
    server = await asyncio.start_server(handed_on, "127.0.0.1", 0)
    made.append(World(tmp_path, new_ca(SystemClock().now()), server.sockets[0].getsockname()[1]))
    async with server:
        yield made[0]


def mends(found: list[Finding]) -> dict[str, str]:
    return {one.what: one.mend for one in found if one.mend}


async def test_a_hub_with_all_that_it_needs_has_nothing_to_mend(world: World) -> None:
    found = await world.looked_at()
    assert mends(found) == {}
    whats = " ".join(one.what for one in found)
    for name in (f"{SERVER}.{DOMAIN}", f"{SERVER}.{AGENTS}", f"{CLIENT}.{DOMAIN}"):
        assert name in whats
    assert whats.count("certificate for") == 3
    assert {one.what for one in found if one.note} == {"web address", "mail", "backups"}


def unnamed(world: World) -> None:
    del world.records[f"{SERVER}.{AGENTS}", _SRV], world.records[AGENTS, _A]


def other_port(world: World) -> None:
    world.records[f"{SERVER}.{DOMAIN}", _SRV] = srv_record(DOMAIN, world.port + 1)


def for_agents_not(world: World) -> None:
    world.shows = [DOMAIN], 90


def expired(world: World) -> None:
    world.shows = [DOMAIN, AGENTS], -1


def ends_soon(world: World) -> None:
    world.shows = [DOMAIN, AGENTS], 5


def own_authority(world: World) -> None:
    world.issuer = replace(new_ca(SystemClock().now()), certificate=world.issuer.certificate)


def unencrypted(world: World) -> None:
    world.plain = True


def on_loopback(world: World) -> None:
    wanted = world.settings.federation.model_copy(update={"address": "127.0.0.1"})
    world.settings = world.settings.model_copy(update={"federation": wanted})


def nobody_listens(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    wanted = world.settings.federation.model_copy(update={"port": port})
    world.settings = world.settings.model_copy(update={"federation": wanted})
    for name in (DOMAIN, AGENTS):
        world.records[f"{SERVER}.{name}", _SRV] = srv_record(DOMAIN, port)


@pytest.mark.parametrize(
    ("spoil", "what", "words"),
    [
        (unnamed, f"{SERVER}.{AGENTS}", "no address is known"),
        (other_port, f"{SERVER}.{DOMAIN}", "this hub listens on"),
        (for_agents_not, f"certificate for {AGENTS}", "does not count for"),
        (expired, f"certificate for {DOMAIN}", "expired"),
        (ends_soon, f"certificate for {DOMAIN}", "it ends on"),
        (own_authority, f"certificate for {DOMAIN}", "does not count for"),
        (unencrypted, f"certificate for {DOMAIN}", "no encryption"),
        (on_loopback, "other servers", "nobody elsewhere reaches"),
        (nobody_listens, f"certificate for {AGENTS}", "cannot be reached"),
    ],
)
async def test_what_is_wrong_is_named_with_its_mend(
    world: World, spoil: Callable[[World], None], what: str, words: str
) -> None:
    spoil(world)
    found = mends(await world.looked_at())
    [mend] = [mend for name, mend in found.items() if name.startswith(what) and words in mend][:1]
    assert "Mend: " in mend


async def test_an_old_server_is_not_for_the_public(world: World) -> None:
    assert "26.07 or newer" in mends(await world.looked_at("ejabberd-24.12"))["version of ejabberd"]


async def test_ports_that_are_for_the_hub_alone_are_found_open(world: World) -> None:
    world.settings = world.settings.model_copy(
        update={"ports": world.settings.ports.model_copy(update={"postgres": world.port})}
    )
    found = mends(await world.looked_at(inside=lambda _: False))
    assert f"postgres ({world.port})" in found["inner ports"]


@pytest.mark.parametrize("domain", ["localhost", "a.test", "hub.local", "intranet"])
async def test_a_name_that_nobody_elsewhere_knows_is_all_that_is_said(world: World, domain: str) -> None:
    world.settings = world.settings.model_copy(update={"domain": domain})
    [one] = await world.looked_at()
    assert "no public name" in one.mend


async def test_names_are_asked_by_kind_and_what_is_not_there_is_nothing() -> None:
    records = {("a.example", _A): a_record("192.0.2.7"), ("_x._tcp.a.example", _SRV): srv_record("b.example", 5)}
    async with zone(records) as names:
        assert await names.addresses("a.example") == ("192.0.2.7",)
        assert await names.addresses("none.example") == ()
        assert await names.places("_x._tcp.a.example") == (Place("b.example", 5, 0),)
        assert await names.places("a.example") == ()


async def test_a_name_server_that_is_away_is_no_empty_zone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
    async with Names(["127.0.0.1"], port) as names:
        with pytest.raises(NamesAway, match=r"a\.example A"):
            await names.addresses("a.example")
