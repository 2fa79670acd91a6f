"""Both directions of a connection, as the SDK wants them, and whether the other end is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcp.client._transport import ReadStream, WriteStream
from mcp.shared.message import SessionMessage


@dataclass(frozen=True, slots=True)
class Streams:
    """A connection. `well` says whether the server still runs within its limits; it is to be asked now and then."""

    incoming: ReadStream[SessionMessage | Exception]
    outgoing: WriteStream[SessionMessage]
    well: Callable[[], bool]
