"""What contacts were last shown of agents, so that presence goes out only when it changes. In bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from sys import intern
from typing import Final, NamedTuple

from aiox.kernel.ids import AgentId

MAX_PAIRS: Final = 200_000


class Pair(NamedTuple):
    """An agent's address as a contact knows it, and the contact's bare JID."""

    address: str
    contact: str


class Shown:
    """By pair, a number that stands for what was shown. A pair that has no room is not followed: it is shown what holds
    when its server asks again.
    """

    def __init__(self, limit: int = MAX_PAIRS) -> None:
        self._limit = limit
        self._count = 0
        self._contacts: dict[str, dict[str, int]] = {}
        self._addresses: dict[AgentId, set[str]] = {}

    def __len__(self) -> int:
        return self._count

    def put(self, agent: AgentId, pair: Pair, what: int) -> bool:
        """Notes what is shown now. Whether it is something else than before."""
        before = self.of(pair)
        if before is None:
            if self._count >= self._limit:
                return True
            self._count += 1
            self._addresses.setdefault(agent, set()).add(pair.address)
        self._contacts.setdefault(intern(pair.address), {})[intern(pair.contact)] = what
        return before != what

    def of(self, pair: Pair) -> int | None:
        """What was shown last; None: nothing."""
        return self._contacts.get(pair.address, {}).get(pair.contact)

    def pairs_of(self, agent: AgentId) -> list[Pair]:
        """Who was shown this agent, by whichever of its addresses."""
        addresses = self._addresses.get(agent, ())
        return [Pair(address, contact) for address in addresses for contact in self._contacts.get(address, ())]

    def where(self, mask: int) -> Iterator[Pair]:
        """The pairs whose number has one of these bits."""
        for address, contacts in self._contacts.items():
            yield from (Pair(address, contact) for contact, what in contacts.items() if what & mask)

    def forget(self, pair: Pair) -> None:
        """The contact is shown nothing any more."""
        contacts = self._contacts.get(pair.address)
        if contacts is None or contacts.pop(pair.contact, None) is None:
            return
        self._count -= 1
        if not contacts:
            del self._contacts[pair.address]  # its name among the agent's addresses stays: two at most
