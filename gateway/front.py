"""How this door is reached from outside, and the live side of the bus behind it."""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request

from aiox.commands.cancel_turn import Tell
from aiox.runtime.settings import LOOPBACK
from gateway.live import Listen, Want, deaf, nobody, unwanted
from gateway.streams import Streams

_ANY: Final = "0.0.0.0"  # noqa: S104 -- compared with, not listened on


@dataclass(frozen=True, slots=True)
class Front:
    """`hosts` are names beside those of loopback, `public` those of them by which the world comes; `origins` whose
    pages may ask; `hsts` where TLS ends before us.
    """

    hosts: Collection[str] = ()
    public: Collection[str] = ()
    origins: Sequence[str] = ()
    hsts: bool = False
    file_key: bytes = field(default=b"", repr=False)
    """Of links to files; without one, none opens."""
    listen: Listen = deaf
    want: Want = unwanted
    cancel: Tell = nobody
    """Tells the orchestrators that a turn is not wanted any more. Raises NotStored."""
    streams: Streams = field(default_factory=Streams)


def own_addresses(listen: str) -> tuple[str, ...]:
    """By which a private network reaches this door when it listens beyond loopback: Prometheus asks each replica so.

    None where the machine's own name has no address; then nobody gets figures that way.
    """
    if listen == LOOPBACK:
        return ()
    try:
        return (socket.gethostbyname(socket.gethostname() if listen == _ANY else listen),)
    except OSError:
        return ()


def _front(request: Request) -> Front:
    front: Front = request.app.state.front
    return front


TheFront = Annotated[Front, Depends(_front)]
