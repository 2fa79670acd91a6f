"""Are the hub's ports free? If not: which one, who holds it, and what to do."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Final

from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.settings import Ports, Service

_LISTEN = "0A"
PORT_STEP: Final = 100
_OWN_PORTS: Final[dict[Service, tuple[str, ...]]] = {
    "component": ("component_health",),
    "gateway": ("gateway",),
    "orchestrator": ("orchestrator_health",),
    "ai_worker": ("ai_worker_health", "ai_worker"),
}


def ports_of(service: Service, ports: Ports, instance: int) -> Ports:
    """The hub's ports as one instance of a service sees them: its own lie 100 higher for each instance before it."""
    shift = PORT_STEP * (instance - 1)
    return ports.model_copy(update={name: getattr(ports, name) + shift for name in _OWN_PORTS[service]})


def check(ports: Ports) -> None:
    """Raises CannotGoOn for the first port that cannot be bound on loopback."""
    for name, port in ports.model_dump().items():
        fault = _fault(port)
        if fault == errno.EADDRINUSE:
            raise CannotGoOn(
                f"port {port} ({name}) is in use by {holder(port) or 'another program'}."
                f" Mend: stop it, or choose another port: AIOX_PORTS__{name.upper()}=..., or {name} in hub.toml."
            )
        if fault is not None:
            raise CannotGoOn(
                f"port {port} ({name}) may not be opened here ({errno.errorcode[fault]})."
                f" Mend: choose one above 1023: AIOX_PORTS__{name.upper()}=..., or {name} in hub.toml."
            )


def _fault(port: int) -> int | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno
    return None


def holder(port: int) -> str:
    """Name and process id of who listens on a local TCP port, as far as /proc tells; else empty."""
    inodes = _inodes(port)
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in wanted for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # the process ended meanwhile, or belongs to another user
            continue
    return ""


def _inodes(port: int) -> set[str]:
    found = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found
