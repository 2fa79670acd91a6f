"""Ports for throw-away servers: free now, and nobody else's when they are bound some seconds later."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final

FIRST: Final = 10_000
NUMBERS: Final = 20_000
"""Below the range from which the kernel takes the near ends of connections, so that a server which restarts finds its
port free again."""
SHARES: Final = 4
"""Processes that test side by side and get in no other's way; a divisor of the step between instances of a service."""
_GIVEN: set[int] = set()


def candidate() -> int:
    """A number that this process has not been given before, and that no other test process of this run is given.

    Whoever only looks whether a port is free finds one that another has chosen and not bound yet.
    """
    share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
    while True:
        port = FIRST + SHARES * secrets.randbelow(NUMBERS // SHARES) + share
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether nobody listens there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """One port of loopback."""
    while not is_free(port := candidate()):
        continue
    return port
