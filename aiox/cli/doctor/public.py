"""What a hub needs that others reach over the internet (docs/production.md), looked at from this machine.

A firewall before the machine is seen from elsewhere only: what is said here to be open is open to this machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from aiox.cli.doctor.certificates import SOON
from aiox.cli.doctor.finding import Finding, checked
from aiox.cli.doctor.names import Names, NamesAway, Place
from aiox.cli.doctor.starttls import CLIENT, SERVER, NotShown, shown
from aiox.cli.stack.federation import check_version, version_of
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Settings

_NOT_PUBLIC: Final = ("localhost", "test", "local", "internal", "invalid", "example", "home.arpa", "lan")
"""Endings of names that no public name server knows (RFC 6761, RFC 6762 and use)."""
_INSIDE: Final = (
    *("xmpp_http", "xmpp_component", "erlang", "postgres", "redis", "nats", "gateway"),
    *("component_health", "orchestrator_health", "ai_worker_health", "ai_worker"),
)
"""Ports that nobody elsewhere has any business with."""
_PATIENCE_S: Final = 3.0
_RECORD: Final = "{service} SRV 0 0 {port} {name}"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address; a name is none."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def look_at_public(
    settings: Settings,
    now: datetime,
    names: Names,
    trust: ssl.SSLContext,
    libraries: Callable[[], str],
    inside: Callable[[str], bool] = is_loopback,
) -> list[Finding]:
    """Everything that has to do with others. `trust`: whose certificates count, those of this machine's authorities.

    `libraries` is where the XMPP server is installed; `inside` says of an address that nobody elsewhere reaches it.
    """
    domain = settings.domain
    if "." not in domain or domain.endswith(_NOT_PUBLIC):
        return [
            Finding("domain", f"{domain} is no public name. Mend: domain in hub.toml, before the hub's first start")
        ]
    try:
        return [
            *await _servers(settings, now, names, trust, libraries),
            *await _clients(settings, now, names, trust),
            await _inside(settings, names, inside),
            *_habits(settings),
        ]
    except NamesAway as away:
        return [Finding("name servers", f"none answers ({away}). Mend: see /etc/resolv.conf, then once more")]


async def _servers(
    settings: Settings, now: datetime, names: Names, trust: ssl.SSLContext, libraries: Callable[[], str]
) -> list[Finding]:
    wanted = settings.federation
    if not wanted.on:
        return [Finding("other servers", note="federation.address is empty: this hub meets none (docs/federation.md)")]
    found = [checked("version of ejabberd", lambda: _sound(Path(libraries())))]
    if is_loopback(wanted.address):
        where = f"federation.address is {wanted.address}, which nobody elsewhere reaches"
        found.append(Finding("other servers", f"{where}. Mend: 0.0.0.0, or the address that they are to use"))
    for name in (settings.domain, settings.agents_domain):
        found += await _service(names, "_xmpp-server._tcp", name, wanted.port, SERVER, now, trust)
    return found


async def _clients(settings: Settings, now: datetime, names: Names, trust: ssl.SSLContext) -> list[Finding]:
    port = settings.ports.xmpp_client
    return await _service(names, "_xmpp-client._tcp", settings.domain, port, CLIENT, now, trust)


async def _service(
    names: Names, service: str, name: str, port: int, kind: str, now: datetime, trust: ssl.SSLContext
) -> list[Finding]:
    """Where others look for a service of this name, and what they are shown there."""
    what = f"{service}.{name}"
    listed = await names.places(what)
    places = listed or (Place(name, {SERVER: 5269, CLIENT: 5222}[kind]),)
    reached = [(address, one.port) for one in places if one.target for address in await names.addresses(one.target)]
    record = _RECORD.format(service=f"{what}.", port=port, name=f"{name}.")
    if not reached:
        return [Finding(what, f"no address is known. Mend: in the DNS {record}, and A or AAAA for its target")]
    wrong = sorted({one.port for one in places if one.target and one.port != port})
    if wrong:
        said = f"it leads to port {wrong[0]}, this hub listens on {port}"
        return [Finding(what, f"{said}. Mend: in the DNS {record}, or forward the port")]
    note = "" if listed else f"no SRV record: others fall back to the address of {name}. Better: {record}"
    return [Finding(what, note=note), *[await _certificate(at, name, kind, now, trust) for at in reached]]


async def _certificate(at: tuple[str, int], name: str, kind: str, now: datetime, trust: ssl.SSLContext) -> Finding:
    what = f"certificate for {name} at {at[0]} port {at[1]}"
    try:
        ends = await shown(*at, name, kind, trust)
    except NotShown as no:
        return Finding(what, f"{no}. Mend: docs/production.md, Certificates and Firewall")
    if ends - now < SOON:
        return Finding(what, f"it ends on {ends:%Y-%m-%d}. Mend: see why it was not renewed")
    return Finding(f"{what}, until {ends:%Y-%m-%d}")


async def _inside(settings: Settings, names: Names, inside: Callable[[str], bool]) -> Finding:
    """Stores, services and the server's own interface answer at no public address."""
    what, ports = "inner ports are closed", settings.ports.model_dump()
    public = [one for one in await names.addresses(settings.domain) if not inside(one)]
    is_open = [f"{name} ({ports[name]})" for one in public for name in _INSIDE if await _accepts(one, ports[name])]
    if not is_open:
        return Finding(what)
    return Finding("inner ports", f"open at a public address: {', '.join(is_open)}. Mend: hosts.listen, a firewall")


def _habits(settings: Settings) -> Iterable[Finding]:
    """What is right for trying, and seldom for a hub that others rely on."""
    url, backup = settings.accounts.public_url, settings.backup
    if not url.startswith("https://"):
        yield Finding("web address", note="accounts.public_url is no https address: links in letters lead nowhere")
    if url.startswith("https://") and not settings.gateway.hsts:
        yield Finding("web address", note="gateway.hsts is off: browsers may be led to plain http")
    if not settings.mail.host:
        yield Finding("mail", note="mail.host is empty: letters are files that the operator hands on")
    if not backup.folder:
        yield Finding("backups", note="backup.folder is empty: they lie on the disk that they are to replace")
    if not backup.passphrase:
        yield Finding("backups", note="AIOX_BACKUP__PASSPHRASE is not set: who reads a backup has every key")


def _sound(libraries: Path) -> None:
    if said := check_version(version_of(libraries)):
        raise CannotGoOn(f"{said} Mend: Debian's newer package (docs/production.md)")


async def _accepts(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
