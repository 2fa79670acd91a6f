"""The stream to the server, as those see it who send by it."""

from __future__ import annotations

from typing import Protocol
from xml.etree.ElementTree import Element


class LinkLost(Exception):
    """The link to the server broke or went silent: what was sent may or may not have arrived."""


class Link(Protocol):
    """The stream to the server."""

    @property
    def up(self) -> bool:
        """Whether stanzas can be sent."""
        ...

    @property
    def session(self) -> int:
        """Number of the stream: another one after every reconnect."""
        ...

    def send(self, element: Element) -> bool:
        """Writes a stanza; False when there is no link, or when the stanza may not leave."""
        ...

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        """Returns a session once the server has taken all that was sent in it before the call. Raises LinkLost.

        With `entries` what becomes an entry among somebody's contacts is one before, or was asked for.
        """
        ...
