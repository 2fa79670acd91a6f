"""Prosody, an XMPP server of other people (the Debian package), with plain users, at an address of loopback.

It asks name servers and reads no hosts file, so it gets a name server of its own, in a mount namespace of its own.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.e2e.impostor import Identity

MEND = "prosody is needed. Mend: sh setup/test_clients.sh"
CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ info = "{folder}/prosody.log" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "carbons", "smacks" }}
modules_disabled = {{ "s2s_auth_certs_insecure" }}
authentication = "internal_hashed"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
interfaces = {{ "{address}" }}
c2s_ports = {{ {client_port} }}
s2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}}
s2s_direct_tls_ports = {{}}
http_ports = {{}}
https_ports = {{}}
VirtualHost "{domain}"
  ssl = {{ certificate = "{certificate}", key = "{key}", cafile = "{authorities}" }}
"""


@dataclass(frozen=True)
class Prosody:
    """A running server."""

    address: str
    client_port: int
    domain: str
    folder: Path


class Names(asyncio.DatagramProtocol):
    """A name server: an address for each name it knows, a service record for servers, and nothing for anything else."""

    def __init__(self, hosts: Mapping[str, str], port: int) -> None:
        self._hosts = hosts
        self._port = port
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answers one question (RFC 1035, section 4)."""
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        kind, question = struct.unpack(">H", data[at + 1 : at + 3])[0], data[12 : at + 5]
        name = ".".join(labels).lower()
        found = self._found(name, kind)
        flags = 0x8580 if found or name in self._hosts else 0x8583
        answer = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one for one in found)
        head = data[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        assert self._transport is not None
        self._transport.sendto(head + question + answer, addr)

    def _found(self, name: str, kind: int) -> list[bytes]:
        host = name.removeprefix("_xmpp-server._tcp.")
        if kind == 33 and host != name and host in self._hosts:
            target = b"".join(bytes([len(part)]) + part.encode() for part in host.split(".")) + b"\0"
            return [struct.pack(">HHH", 0, 0, self._port) + target]
        return [socket.inet_aton(self._hosts[name])] if kind == 1 and name in self._hosts else []


@asynccontextmanager
async def prosody(
    folder: Path, domain: str, address: str, ports: tuple[int, int], hosts: Mapping[str, str], identity: Identity,
    authorities: Path,
) -> AsyncIterator[Prosody]:  # fmt: skip
    """A server for `domain` that finds `hosts`; `ports` for clients and for servers. Stopped in the end."""
    assert shutil.which("prosody"), MEND
    (folder / "data").mkdir()
    client_port, port = ports
    (folder / "prosody.cfg.lua").write_text(
        CONFIG.format(
            folder=folder, address=address, client_port=client_port, port=port, domain=domain, authorities=authorities,
            certificate=identity.certificate, key=identity.key,
        )
    )  # fmt: skip
    (folder / "resolv.conf").write_text(f"nameserver {address}\n")
    loop = asyncio.get_running_loop()
    names, _ = await loop.create_datagram_endpoint(lambda: Names(hosts, port), local_addr=(address, 53))
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "sh", "-c", script, str(folder / "resolv.conf")),
        *("setpriv", "--pdeathsig", "KILL", "prosody", "--config", str(folder / "prosody.cfg.lua")),
    )
    try:
        await _until_it_listens(address, client_port)
        yield Prosody(address, client_port, domain, folder)
    finally:
        process.terminate()
        await process.wait()
        names.close()


async def _until_it_listens(address: str, port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


async def register(server: Prosody, name: str, password: str) -> None:
    """Makes a plain user."""
    command = (
        "prosodyctl",
        "--config",
        str(server.folder / "prosody.cfg.lua"),
        "register",
        name,
        server.domain,
        password,
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0
