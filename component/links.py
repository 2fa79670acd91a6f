"""The links of this process as one: any of them may carry what we send."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from component.link import LinkLost
from component.xmpp import Receive, XmppLink


class Links:
    """One link per slot, up while the slot is ours. What we send goes over the first that is up."""

    def __init__(self, links: Mapping[int, XmppLink]) -> None:
        self._links = dict(sorted(links.items()))

    @property
    def up(self) -> bool:
        """Whether stanzas can be sent."""
        return self._first is not None

    @property
    def session(self) -> int:
        """Number of the stream that carries what is sent now; 0 when there is none."""
        return 0 if self._first is None else self._first.session

    @property
    def address(self) -> str:
        """See XmppLink.address; empty when there is no link."""
        return "" if self._first is None else self._first.address

    @property
    def slots(self) -> tuple[int, ...]:
        """All slots, ours or not."""
        return tuple(self._links)

    async def run(self, slot: int) -> None:
        """The task of one link; start one for each slot."""
        await self._links[slot].run()

    def all_up(self, slots: set[int]) -> bool:
        """Whether the links of these slots are up."""
        return all(self._links[slot].up for slot in slots)

    def on_stanza(self, receive: Receive) -> None:
        """Who gets the stanzas."""
        for link in self._links.values():
            link.on_stanza(receive)

    def send(self, element: Element) -> bool:
        """See XmppLink.send."""
        return self._first is not None and self._first.send(element)

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        """See XmppLink.confirm."""
        if self._first is None:
            raise LinkLost("no link")
        return await self._first.confirm(timeout_s)

    def open(self, slot: int) -> None:
        """The slot is ours."""
        self._links[slot].open()

    async def shut(self, slot: int) -> None:
        """The slot is not ours any more. Returns when the server has let go of the link."""
        await self._links[slot].shut()

    async def close(self) -> None:
        """Ends all streams in good order."""
        for link in self._links.values():
            await link.close()

    @property
    def _first(self) -> XmppLink | None:
        return next((link for link in self._links.values() if link.up), None)
