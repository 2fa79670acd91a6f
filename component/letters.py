"""Outbox rows on their way out: one at a time in a conversation, in the order of their numbers. Pure; no clock."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from aiox.kernel.envelope import Envelope, OutboxReady

MAX_LETTERS: Final = 20_000
MAX_BYTES: Final = 64 << 20


@dataclass(slots=True, eq=False)
class Letter:
    """A row, and what was done with it so far. Instants are seconds of a clock that never goes back."""

    id: UUID
    seq: int
    conversation: UUID
    envelope: Envelope[OutboxReady]
    doubt: bool
    """Whether it may have been sent before, by us or by a process that is gone."""
    not_before: float = 0.0
    """Waits until then: what was sent before may still be on its way through the server."""
    session: int = 0
    confirmed_at: float = 0.0
    tries: int = 0
    lost: bool = False
    """Another server is known not to have it."""

    @property
    def ready(self) -> OutboxReady:
        """What is to be said."""
        return self.envelope.payload

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return len(self.ready.body) + 1024


@dataclass(slots=True)
class _Lane:
    letters: list[Letter] = field(default_factory=list)
    head: Letter | None = None
    """The one that is under way; nothing else of this conversation is."""


class Letters:
    """All letters that are known, by conversation. Bounded; what has no room stays in the store."""

    def __init__(self, limit: int = MAX_LETTERS, limit_bytes: int = MAX_BYTES) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._known: dict[UUID, Letter] = {}
        self._lanes: dict[UUID, _Lane] = {}
        self._free: OrderedDict[UUID, None] = OrderedDict()
        """Conversations with letters and none under way."""

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, letter_id: UUID) -> bool:
        return letter_id in self._known

    def put(self, letter: Letter) -> bool:
        """Adds a letter, or does nothing when it is known. False when there is no room."""
        if letter.id in self._known:
            return True
        if len(self._known) >= self._limit or self._bytes + letter.size > self._limit_bytes:
            return False
        self._known[letter.id] = letter
        self._bytes += letter.size
        lane = self._lanes.setdefault(letter.conversation, _Lane())
        insort(lane.letters, letter, key=lambda one: one.seq)
        if lane.head is None:
            self._free[letter.conversation] = None
        return True

    def take(self, now: float, limit: int, goes: Callable[[OutboxReady], bool] = lambda _: True) -> list[Letter]:
        """The first letter of every conversation that has none under way, `limit` at most. They are under way now.

        `goes` says whether this one may leave now; what may not waits.
        """
        taken: list[Letter] = []
        for conversation in list(self._free):
            if len(taken) >= limit:
                break
            lane = self._lanes[conversation]
            if lane.letters[0].not_before > now or not goes(lane.letters[0].ready):
                continue
            lane.head = lane.letters[0]
            taken.append(lane.head)
            del self._free[conversation]
        return taken

    def done(self, letter: Letter) -> None:
        """A letter is with its recipient; the next one of its conversation may follow."""
        lane = self._lanes[letter.conversation]
        lane.letters.remove(letter)
        self._forget(letter)
        self._release(letter, lane)

    def again(self, letter: Letter, not_before: float) -> None:
        """A letter may or may not have arrived: it is looked up and, if need be, sent again, before all behind it."""
        letter.doubt = True
        letter.not_before = not_before
        self._release(letter, self._lanes[letter.conversation])

    def under_way(self) -> list[UUID]:
        """The conversations with a letter under way."""
        return [conversation for conversation, lane in self._lanes.items() if lane.head is not None]

    def _forget(self, letter: Letter) -> None:
        del self._known[letter.id]
        self._bytes -= letter.size

    def _release(self, letter: Letter, lane: _Lane) -> None:
        lane.head = None
        if lane.letters:
            self._free[letter.conversation] = None
        else:
            del self._lanes[letter.conversation]
