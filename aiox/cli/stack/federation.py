"""What the XMPP server has to know of other servers (docs/federation.md): written from the list of peers, and pushed
again when that changes. TLS always; a certificate for the very name, or a pinned one; a name server's word for named
peers only.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from aiox.cli.stack.ca import XMPP
from aiox.cli.stack.home import Home, private_file
from aiox.cli.stack.processes import run
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.runtime import postgres
from aiox.runtime.federation_settings import Federation
from aiox.runtime.logs import Log, describe
from aiox.runtime.settings import Settings
from policy.peers import AGENTS, Proof, Standing
from registry import peers
from registry.peers import PeerRow

SYSTEM_AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
MODULES: Final = tuple(
    Path(__file__).parents[3] / "ejabberd" / f"mod_aiox_{name}.erl" for name in ("pins", "once", "strangers")
)
"""The server's own modules for other servers: pinned certificates, what comes twice, and floods."""
FOLLOW_S: Final = 2.0
OLDEST: Final = (24, 12)
"""An older server does not federate: it can neither be told what it must know, nor does it check as it should."""
SOUND: Final = (26, 7)
"""From this version on it is fit for a public hub."""
QUEUE: Final = 50_000
"""Stanzas that may wait inside the server for one stream; a stream for which more wait is ended."""
NOBODY: Final = "nobody.invalid"
"""A list of the server's may not be empty; this name never is anybody's (RFC 2606)."""


_DENY: Final = '[{"deny": "all"}]'


@dataclass(frozen=True, slots=True)
class Lists:
    """Domains as the server's access rules need them."""

    named: tuple[str, ...]
    blocked: tuple[str, ...]
    dialback: tuple[str, ...]


def lists_of(rows: Iterable[PeerRow]) -> Lists:
    """A hub's agents come from a domain of their own below its; one who is named by JID needs its server let in."""
    named, blocked, dialback = set[str](), set[str](), set[str]()
    for row in rows:
        name, peer = row.peer.name, row.peer
        where = name.rpartition("@")[2]
        if peer.standing is Standing.ALLOWED:
            named |= {where, f"{AGENTS}{where}"}
            dialback |= {where, f"{AGENTS}{where}"} if peer.proof is Proof.DIALBACK else set()
        elif where == name:
            blocked |= {where, f"{AGENTS}{where}"}
    return Lists(*(tuple(sorted(one)) for one in (named - blocked, blocked, dialback - blocked)))


def values(home: Home, settings: Settings, rows: Sequence[PeerRow]) -> dict[str, str]:
    """What the server's configuration says of others, as text for its template. Writes the files that it names."""
    wanted = settings.federation
    lists, folder = lists_of(rows), home.part("ejabberd")
    if not wanted.on:
        empty = dict.fromkeys(("s2s_listen", "s2s_acl", "s2s_options", "s2s_modules"), "")
        own = json.dumps(str(home.secrets(XMPP).path("ca.crt")))
        return {**empty, "s2s_rule": _DENY, "s2s_dialback_rule": _DENY, "authorities": own}
    acl = {"s2s_named": lists.named, "s2s_blocked": lists.blocked, "s2s_dialback": lists.dialback}
    rule = [{"deny": "s2s_blocked"}, {"allow": "all" if wanted.strangers == "knock" else "s2s_named"}]
    bundle = _named_by_content(folder, "authorities", ".pem", _authorities(home, wanted, rows))
    pins = _named_by_content(folder, "pins", ".config", _pins(rows))
    modules = f"  mod_aiox_pins: {{file: {json.dumps(str(pins))}}}\n  mod_aiox_once: {{}}\n"
    modules += f"  mod_aiox_strangers: {{agents: {json.dumps(settings.agents_domain)}, known: s2s_known}}\n"
    if lists.dialback:
        modules += "  mod_s2s_dialback: {access: s2s_dialback}\n"
    return {
        "s2s_listen": _listener(wanted),
        "s2s_rule": json.dumps(rule) + '\n  s2s_known: [{"allow": "s2s_named"}]',
        "s2s_dialback_rule": '[{"allow": "s2s_dialback"}]',
        "s2s_acl": "".join(f"  {name}: {json.dumps({'server': list(of) or [NOBODY]})}\n" for name, of in acl.items()),
        # One list for clients and servers: what was made for the first of them is used for the other (24.12, tried).
        "authorities": json.dumps(str(bundle)),
        "s2s_options": f"outgoing_s2s_port: {wanted.port}\n"
        "s2s_max_retry_delay: 15\nnegotiation_timeout: 30\ns2s_protocol_options: TLS_OPTIONS\n"
        f"max_fsm_queue: {QUEUE}\n",
        "s2s_modules": modules,
    }


def _listener(wanted: Federation) -> str:
    return (
        f"  - port: {wanted.port}\n    ip: {json.dumps(wanted.address)}\n    module: ejabberd_s2s_in\n"
        "    max_stanza_size: 524288\n    shaper: s2s_shaper\n"
    )


def _authorities(home: Home, wanted: Federation, rows: Iterable[PeerRow]) -> str:
    """Of the hub's own there must be one, lest the file be empty: nobody but the hub has its key."""
    parts = [home.secrets(XMPP).read("ca.crt")]
    if wanted.authorities == "public":
        if not SYSTEM_AUTHORITIES.is_file():
            raise CannotGoOn(f"{SYSTEM_AUTHORITIES} is not there. Mend: sh setup/debian.sh")
        parts.append(SYSTEM_AUTHORITIES.read_text())
    if wanted.authority_file is not None:
        parts.append(_certificates(wanted.authority_file))
    parts += [row.certificate for row in rows if row.certificate and row.peer.standing is Standing.ALLOWED]
    return "\n".join(part.strip() for part in parts) + "\n"


def _certificates(path: Path) -> str:
    """The text of a file of certificates. One that does not read whole would leave the server without any."""
    try:
        text = path.read_text()
        x509.load_pem_x509_certificates(text.encode())
    except (OSError, ValueError) as wrong:
        raise CannotGoOn(
            f"federation.authority_file {path} cannot be read: {wrong}. Mend: PEM, one after the other"
        ) from wrong
    return text


def _pins(rows: Iterable[PeerRow]) -> str:
    """As mod_aiox_pins reads them. Those of blocked peers too: what they have signed counts for nobody."""
    lines = []
    for row in rows:
        if row.certificate:
            der = x509.load_pem_x509_certificate(row.certificate.encode()).public_bytes(Encoding.DER)
            lines.append(f'{{<<"{row.peer.name}">>, <<"{base64.b64encode(der).decode()}">>}}.\n')
    return "".join(lines)


def _named_by_content(folder: Path, name: str, ending: str, text: str) -> Path:
    """The server keeps what it has read of a file under its name: another content has another name."""
    path = folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}{ending}"
    if not path.is_file():
        private_file(path, text)
    for old in folder.glob(f"{name}-*{ending}"):
        if old != path and old.stat().st_mtime < path.stat().st_mtime - 3600:
            old.unlink()
    return path


async def compile_modules(folder: Path, libraries: str) -> Path:
    """Compiles the server's own modules; returns the folder for its code path. Raises CannotGoOn."""
    target = folder / "ebin"
    target.mkdir(mode=0o700, exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "ERL_LIBS": libraries, "HOME": str(folder)}
    await run("erlc", "-o", str(target), *map(str, MODULES), environment=environment)
    return target


def version_of(libraries: Path) -> tuple[int, int]:
    """The version of the installed server, by the name of its folder: (24, 12). Raises CannotGoOn."""
    found = [re.search(r"ejabberd-(\d+)\.(\d+)", one.name) for one in libraries.glob("ejabberd-*")]
    versions = [(int(one[1]), int(one[2])) for one in found if one is not None]
    if not versions:
        raise CannotGoOn("ejabberd is not installed. Mend: sh setup/debian.sh")
    return max(versions)


def check_version(version: tuple[int, int]) -> str:
    """What to say of this version of the server to who federates; empty: nothing. Raises CannotGoOn when too old."""
    said = f"ejabberd {version[0]}.{version[1]:02}"
    if version < OLDEST:
        raise CannotGoOn(
            f"{said} is too old for other servers, {OLDEST[0]}.{OLDEST[1]} is needed."
            " Mend: sh setup/debian.sh, or take federation.address out of hub.toml."
        )
    if version < SOUND:
        return f"{said} will do for trying federation; a public hub should run {SOUND[0]}.{SOUND[1]:02} or newer."
    return ""


def fitness(settings: Settings, libraries: Callable[[], str]) -> str:
    """What to say of the installed server before a start; empty: nothing, or no others. Raises CannotGoOn."""
    return check_version(version_of(Path(libraries()))) if settings.federation.on else ""


def hosts_file(folder: Path, wanted: Federation) -> Path | None:
    """Addresses of servers that no name server knows, as the system's own file; None when there are none."""
    if not wanted.hosts:
        return None
    own = Path("/etc/hosts")
    lines = [own.read_text() if own.is_file() else "", *(f"{address} {name}" for name, address in wanted.hosts.items())]
    return private_file(folder / "hosts", "\n".join(lines) + "\n")


async def read_peers(home: Home, settings: Settings) -> Sequence[PeerRow]:
    """The list as it stands in the registry. Raises what the store raises."""
    pool = await postgres.connect(settings, home.secrets("component"), "component", size=1)
    try:
        return await peers.list_all(pool)
    finally:
        await pool.close()


async def follow(home: Home, settings: Settings, render: Callable[[Sequence[PeerRow]], str], log: Log) -> None:
    """Writes the server's configuration anew when the list of peers has changed, and has it read. For ever."""
    config = home.part("ejabberd") / "ejabberd.yml"
    server, pushed = ServerAccounts(home, settings), config.read_text()
    while True:
        try:
            pool = await postgres.connect(settings, home.secrets("component"), "component", size=1)
            try:
                while True:
                    text = render(await peers.list_all(pool))
                    if text != pushed:
                        private_file(config, text)
                        await server.succeed("reload_config", {})
                        await server.succeed("stop_s2s_connections", {})  # each proves itself anew, by the new list
                        pushed = text
                        log.info("peers_pushed")
                    await asyncio.sleep(FOLLOW_S)
            finally:
                await pool.close()
        except Exception as failed:  # noqa: BLE001 -- store or server may be away; the door judges by itself meanwhile
            log.warning("peers_not_pushed", error=describe(failed))
        await asyncio.sleep(FOLLOW_S)
