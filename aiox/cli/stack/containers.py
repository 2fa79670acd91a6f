"""Before the first `docker compose up`: secrets and certificates, and of them to each container only its own.

One folder holds all, as on one machine. Beside it each part gets a folder with what it reads and nothing else; the
compose file mounts that one, read-only.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from aiox.cli.stack import ca, credentials
from aiox.cli.stack.credentials import SERVICES
from aiox.cli.stack.home import Home, private_file, private_folder
from aiox.runtime.settings import Settings

PARTS: Final = "parts"
_TLS: Final = ("ca.crt", "tls.crt", "tls.key")
_EVERYONES: Final = {store: dict.fromkeys(SERVICES, (store,)) for store in ("postgres", "redis", "nats")}


def _more(store: str, **secrets: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    found = dict(_EVERYONES[store])
    for reader, names in secrets.items():
        found[reader] = (*found.get(reader, ()), *names)
    return found


READS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    **{service: {service: ("*",)} for service in SERVICES},
    "postgres": _more(
        "postgres",
        stack=("postgres", "postgres_migrator", "postgres_keeper", "postgres_ejabberd", "postgres_replica"),
        component=("archive",),
    ),
    "redis": _more("redis", stack=("redis", "redis_replica", "redis_sentinel")),
    "sentinel": _more("redis", stack=("redis", "redis_sentinel")),
    "nats": _more("nats", stack=("nats", "nats_backup", "nats_routes")),
    "ejabberd": {
        ca.XMPP: _TLS,
        "stack": ("ca.crt", "erlang_cookie", "xmpp_api", "postgres_ejabberd"),
        "component": ("xmpp_component", "xmpp_api"),
        "gateway": ("xmpp_api",),
    },
    "web": {ca.XMPP: _TLS},
}
"""Which secrets each container reads: by the folder they lie in; `*` is all of it."""


def lay_out(home: Home, settings: Settings, now: datetime) -> list[Path]:
    """Makes what is missing, renews certificates that end soon, and gives each part its folder anew. Raises CannotGoOn.

    Returns the parts' folders.
    """
    credentials.ensure(home)
    ca.ensure(home, settings.domain, now, settings.hosts.xmpp)
    return [_part(home, part, folders) for part, folders in READS.items()]


def hand_on(home: Home, reader: str, name: str) -> None:
    """Gives a service's container a secret that has just changed; on one machine, where there is none, does nothing."""
    inside = home.root / PARTS / reader / reader
    if inside.is_dir():
        private_file(inside / name, home.secrets(reader).read_bytes(name).decode())


def _part(home: Home, part: str, folders: Mapping[str, tuple[str, ...]]) -> Path:
    there = private_folder(home.root / PARTS / part)
    beside = there / ".new"
    shutil.rmtree(beside, ignore_errors=True)
    private_folder(beside)
    for folder, names in folders.items():
        secrets = home.secrets(folder)
        wanted = sorted(path.name for path in secrets.folder.iterdir()) if names == ("*",) else names
        for name in wanted:
            target = private_folder(beside / folder) / name
            target.write_bytes(secrets.read_bytes(name))
            target.chmod(0o600)
    for folder in folders:
        shutil.rmtree(there / folder, ignore_errors=True)
        (beside / folder).replace(there / folder)
    beside.rmdir()
    return there
