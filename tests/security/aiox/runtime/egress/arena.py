"""A network of its own, with somebody who listens on every address that no tool may reach: `python -m ...arena WHAT`.

Started by `arena()` in a fresh network namespace, from which no packet leaves. Prints what was hit, as JSON.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from aiox.runtime.egress import transport
from aiox.runtime.egress.addresses import is_public
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress, NotAnswered, Outgoing
from aiox.runtime.egress.urls import Blocked
from tests.architecture.house import TOP

PUBLIC = "93.184.216.34"
PRIVATE_4 = (
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1",
    "192.0.0.8", "192.88.99.1",
)  # fmt: skip
PRIVATE_6 = ("::1", "fc00::1", "fd12::1", "fec0::1", "2001:db8::1")
PORTS = (80, 443, 8080)
Hits = list[str]


def spellings(address: str) -> dict[str, str]:
    """Ways to write or wrap an IPv4 address in a URL, by name."""
    number = int(IPv4Address(address))
    a, b, c, d = (int(part) for part in address.split("."))
    wide = "".join(chr(ord(one) - 0x30 + 0xFF10) if one.isdigit() else one for one in address)
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    return {
        "plain": f"http://{address}/",
        "https": f"https://{address}/",
        "port": f"http://{address}:8080/",
        "dot": f"http://{address}./",
        "whole number": f"http://{number}/",
        "hex number": f"http://{number:#x}/",
        "octal number": f"http://0{number:o}/",
        "hex parts": f"http://{a:#x}.{b:#x}.{c:#x}.{d:#x}/",
        "octal parts": f"http://0{a:o}.0{b:o}.0{c:o}.0{d:o}/",
        "zeros": f"http://{a:03}.{b:03}.{c:03}.{d:03}/",
        "three parts": f"http://{a}.{b}.{c * 256 + d}/",
        "two parts": f"http://{a}.{b * 65536 + c * 256 + d}/",
        "wide digits": f"http://{wide}/",
        "wide dots": f"http://{address.replace('.', '。')}/",
        "percent": f"http://{address.replace('.', '%2e')}/",
        "user": f"http://public.test@{address}/",
        "user and port": f"http://public.test:80@{address}/",
        "backslash": f"http://{address}\\@public.test/",
        "tab": f"http://{address[:3]}\t{address[3:]}/",
        "mapped": f"http://[::ffff:{address}]/",
        "mapped in hex": f"http://[::ffff:{high}:{low}]/",
        "compatible": f"http://[::{high}:{low}]/",
        "nat64": f"http://[64:ff9b::{high}:{low}]/",
        "6to4": f"http://[2002:{high}:{low}::1]/",
        "teredo": f"http://[2001:0:{number ^ 0xFFFFFFFF:x}::1]/".replace(f"{number ^ 0xFFFFFFFF:x}", f"{high}:{low}"),
        "name": f"http://n-{number}.test/",
        "name among public ones": f"http://m-{number}.test/",
        "name of an address inside": f"http://w-{number}.test/",
        "redirect": f"http://public.test/go?to=http://{address}/",
        "redirect to a name": f"http://public.test/go?to=http://n-{number}.test/",
        "redirect to a number": f"http://public.test/go?to=http://{number}/",
    }


def cases() -> dict[str, str]:
    """Every case by name."""
    found = {f"{address} {name}": url for address in PRIVATE_4 for name, url in spellings(address).items()}
    found |= {f"{one} plain": f"http://[{one}]/" for one in PRIVATE_6}
    found |= {f"{one} redirect": f"http://public.test/go?to=http://[{one}]/" for one in PRIVATE_6}
    found |= {
        "link-local with a zone": "http://[fe80::1%25lo]/",
        "any": "http://0.0.0.0/",
        "any of IPv6": "http://[::]/",
        "zero": "http://0/",
        "localhost": "http://localhost/",
        "file": "file:///etc/passwd",
        "gopher": "gopher://127.0.0.1:80/_GET",
        "ftp": "ftp://127.0.0.1:80/",
        "no scheme": "//127.0.0.1/",
        "another port": "http://public.test:6399/",
        "redirect to a file": "http://public.test/go?to=file:///etc/passwd",
        "redirect to a port": "http://public.test/go?to=http://public.test:6399/",
        "line break": "http://public.test/\r\nHost: 127.0.0.1",
    }
    return found


async def resolve(host: str, port: int) -> list[str]:
    """The names of the arena; anything else as the C library reads it, with all its odd spellings."""
    kind, _, number = host.removesuffix(".test").partition("-")
    if host == "public.test":
        return [PUBLIC]
    if host.endswith(".test") and number:
        address = str(IPv4Address(int(number)))
        return {"n": [address], "m": [PUBLIC, address], "w": [f"::ffff:{address}"]}[kind]
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
        return [str(one[4][0]) for one in found]


class Rebinding:
    """A name that is public when it is asked for the first time, and something else a moment later."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.asked = 0

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked += 1
        private = self._dice.choice((*PRIVATE_4, *PRIVATE_6))
        return self._dice.choice(([PUBLIC], [PUBLIC], [private], [PUBLIC, private], [private, PUBLIC]))


async def listen(hits: Hits, opened: AsyncExitStack) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        local = str(writer.get_extra_info("sockname")[0])
        if local.removeprefix("::ffff:") != PUBLIC:
            hits.append(local)
        try:
            if (first := await reader.read(1)) == b"\x16":  # TLS: heard, that is enough
                raise OSError
            line = (first + await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            to = parse_qs(urlsplit(line).query).get("to")
            head = f"302 Found\r\nLocation: {to[0]}" if to else "200 OK"
            writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, IndexError, UnicodeDecodeError):
            pass
        writer.close()

    for port in PORTS:
        for address in ("0.0.0.0", "::"):  # noqa: S104 -- in a network of its own
            server = await asyncio.start_server(serve, address, port)
            await opened.enter_async_context(server)


def addresses_up() -> None:
    """Gives the loopback interface of this namespace every address of the arena."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six,
    ):
        fcntl.ioctl(four, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
        for number, address in enumerate((PUBLIC, *PRIVATE_4)):
            if not address.startswith("127."):
                there = struct.pack(
                    "16sH2s4s8x", f"lo:{number}".encode(), socket.AF_INET, b"", socket.inet_aton(address)
                )
                fcntl.ioctl(four, 0x8916, there)  # SIOCSIFADDR
        for one in (address for address in PRIVATE_6 if address != "::1"):
            fcntl.ioctl(six, 0x8916, IPv6Address(one).packed + struct.pack("Ii", 128, 1))


async def tried(egress: Egress, url: str) -> str:
    """`answered`, or why not."""
    try:
        answer = await egress.fetch(Outgoing(url, ("*.test",), timeout_s=20))
    except Blocked:
        return "blocked"
    except NotAnswered:
        return "not answered"
    return "answered" if answer.body == b"hello" else "odd"


async def attack(egress: Egress, hits: Hits) -> dict[str, list[str]]:
    found = {}
    for name, url in cases().items():
        hits.clear()
        found[name] = [await tried(egress, url), *hits]
    return found


async def guarded(hits: Hits) -> Any:
    """All cases, with the list of domains out of the way, and what must work."""
    vars(transport)["is_named"] = lambda *_: True
    egress = Egress(Reach(resolve=resolve, own=lambda _: False))
    ordinary = [await tried(egress, url) for url in ("http://public.test/", "http://public.test/go?to=/x")]
    return {"ordinary": ordinary, "cases": await attack(egress, hits)}


async def unguarded(hits: Hits) -> Any:
    """All cases by a client that asks what it is told to."""

    class Lax(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
            found = await resolve(host, port)
            family_of: Callable[[str], int] = lambda one: socket.AF_INET6 if ":" in one else socket.AF_INET  # noqa: E731
            return [
                {"hostname": host, "host": one, "port": port, "family": family_of(one), "proto": 6, "flags": 0}
                for one in reversed(found)
            ]

        async def close(self) -> None: ...

    found = {}
    for name, url in cases().items():
        hits.clear()
        try:
            connector = aiohttp.TCPConnector(resolver=Lax(), ssl=False)
            async with (
                asyncio.timeout(5),
                aiohttp.ClientSession(connector=connector) as session,
                session.get(url) as response,
            ):
                await response.read()
        except (aiohttp.ClientError, OSError, ValueError, AssertionError, TimeoutError):
            pass
        found[name] = list(hits)
    return found


async def by_the_library(hits: Hits) -> Any:
    """Our transport, with `ipaddress.is_global` where our own list stands: which addresses it lets through."""
    return [one for one in (*PRIVATE_4, *PRIVATE_6, "64:ff9b::7f00:1", "2002:7f00:1::1", "::ffff:0:127.0.0.1")
            if ip_address(one).is_global != is_public(one)]  # fmt: skip


async def rebinding(hits: Hits) -> Any:
    """Many rounds of a name that changes: ours, and one that asks twice."""
    rounds, seed = int(sys.argv[2]), int(sys.argv[3])
    name = Rebinding(random.Random(seed))
    egress = Egress(Reach(resolve=name.resolve, own=lambda _: False))
    outcomes = [await tried(egress, "http://rebind.test/") for _ in range(rounds)]
    ours, asked = len(hits), name.asked
    hits.clear()

    class Twice(Egress):
        async def _once(self, asked: Outgoing, target: Any) -> Any:
            await self._reach.addresses(target.host, target.port)
            (again, *_) = await name.resolve(target.host, target.port)
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://{again if ':' not in again else f'[{again}]'}/") as got,
            ):
                return transport.Incoming(got.status, "", {}, await got.read(), whole=True), None

    lax = Twice(Reach(resolve=name.resolve, own=lambda _: False))
    for _ in range(min(rounds, 100)):
        await tried(lax, "http://rebind.test/")
    return {
        "hits": ours,
        "asked": asked,
        "answered": outcomes.count("answered"),
        "blocked": outcomes.count("blocked"),
        "hits of one that asks twice": len(hits),
    }


WHAT = {one.__name__: one for one in (guarded, unguarded, by_the_library, rebinding)}


async def main() -> None:
    addresses_up()
    hits: Hits = []
    async with AsyncExitStack() as opened:
        await listen(hits, opened)
        print(json.dumps(await WHAT[sys.argv[1]](hits)))


def arena(*what: str) -> Any:
    """Runs it in a network namespace of its own."""
    namespace: Sequence[str] = ["unshare", "--net"]
    if os.geteuid() != 0:
        namespace = [*namespace, "--user", "--map-root-user"]
    command = [*namespace, sys.executable, "-m", "tests.security.aiox.runtime.egress.arena", *what]
    done = subprocess.run(command, cwd=TOP, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout)


if __name__ == "__main__":
    asyncio.run(main())
