"""What an agent says in a room comes back from it: so it is known to be said, and is not said again.

The archive of a room is not ours to ask (component/outbox.py). After a restart of this process a repeat may be heard
twice; it has the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from component.link import Link


class OnceInRooms:
    """A link for the outbox. `was_said` tells whether a room has repeated the message of this id."""

    def __init__(self, link: Link, was_said: Callable[[str], bool]) -> None:
        self._link = link
        self._was_said = was_said

    @property
    def up(self) -> bool:
        """See Link."""
        return self._link.up

    @property
    def session(self) -> int:
        """See Link."""
        return self._link.session

    def send(self, element: Element) -> bool:
        """See Link. What was said in a room already is done."""
        if element.get("type") == "groupchat" and self._was_said(element.get("id", "")):
            return self._link.up
        return self._link.send(element)

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        """See Link."""
        return await self._link.confirm(timeout_s, entries=entries)
