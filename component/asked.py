"""The questions that wait for an answer, by conversation: which is worked on, which come next. In bounded memory; pure.

As in the orchestrator, one turn of a conversation runs at a time, and what comes while it runs shares the next one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiox.kernel.ids import TurnId

LIMIT: Final = 20_000
MERGE_S: Final = 0.4
"""What comes so soon after a turn began belongs to it."""
LOST_S: Final = 900.0
"""A question without an answer for so long is not waited for any more."""


@dataclass(frozen=True, slots=True)
class Open:
    """A question. Instants are seconds of a clock that never goes back."""

    turn_id: TurnId
    agent: str
    """Bare address that it was sent to."""
    sender: str
    """Full address that it came from."""
    contact: str
    """Its bare address."""
    message_id: str
    """The message's own id, for markers."""
    reply_id: str
    """What a reply names it by: its origin-id, or else its own id."""
    kind: str
    quoted: str
    wants_states: bool
    wants_marker: bool
    hops: int = 0
    """How many programs it came through."""


@dataclass(slots=True)
class _Talk:
    working: list[Open] = field(default_factory=list)
    waiting: list[Open] = field(default_factory=list)
    since: float = 0.0
    told_at: float = 0.0


class Ended(NamedTuple):
    """What the end of a turn means for its conversation."""

    others_wait: bool
    quoted: str
    """The beginning of the question that is answered; empty when it is not known."""
    starts: tuple[Open, ...]
    """The questions that are worked on from now."""
    hops: int = 0
    """How many programs the questions that are answered came through."""


_NOTHING: Final = Ended(False, "", ())
Pair = tuple[str, str]


class Asked:
    """Open questions. What has no room is not followed: its answer comes all the same."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._turns: dict[TurnId, Pair] = {}
        self._talks: OrderedDict[Pair, _Talk] = OrderedDict()

    def __len__(self) -> int:
        return len(self._turns)

    def add(self, one: Open, now: float) -> bool:
        """Whether the work on it starts now."""
        if len(self._turns) >= self._limit or one.turn_id in self._turns:
            return False
        pair = (one.agent, one.contact)
        self._turns[one.turn_id] = pair
        talk = self._talks.setdefault(pair, _Talk(since=now, told_at=now))
        starts = not talk.working or now - talk.since < MERGE_S
        (talk.working if starts else talk.waiting).append(one)
        return starts

    def ended(self, turn_id: TurnId, reply_id: str, now: float) -> Ended:
        """A turn has its outcome; the next one of its conversation begins."""
        pair = self._turns.get(turn_id)
        talk = None if pair is None else self._talks.get(pair)
        if pair is None or talk is None:
            return _NOTHING
        known = (*talk.working, *talk.waiting)
        quoted = next((one.quoted for one in known if one.reply_id == reply_id), "")
        if any(one.turn_id == turn_id for one in talk.waiting):  # a command, or one that was not merged
            hops = max(one.hops for one in talk.waiting if one.turn_id == turn_id)
            talk.waiting = [one for one in talk.waiting if one.turn_id != turn_id]
            del self._turns[turn_id]
            return Ended(True, quoted, (), hops)
        hops = max(one.hops for one in talk.working)
        self._forget(talk.working)
        talk.working, talk.waiting, talk.since, talk.told_at = talk.waiting, [], now, now
        if not talk.working:
            del self._talks[pair]
        return Ended(bool(talk.working), quoted, tuple(talk.working), hops)

    def wants_states(self, turn_id: TurnId) -> bool:
        """Whether the sender of this open question was shown that the agent types."""
        pair = self._turns.get(turn_id)
        talk = None if pair is None else self._talks.get(pair)
        questions = () if talk is None else (*talk.working, *talk.waiting)
        return any(one.turn_id == turn_id and one.wants_states for one in questions)

    def running(self, now: float, longer_than_s: float) -> set[Pair]:
        """Agent and contact of the conversations whose turn has been running for longer than that."""
        return {pair for pair, talk in self._talks.items() if now - talk.since > longer_than_s}

    def worked_on(self, turn_id: TurnId) -> bool:
        """Whether this turn is the one that runs in its conversation."""
        pair = self._turns.get(turn_id)
        talk = None if pair is None else self._talks.get(pair)
        return talk is not None and any(one.turn_id == turn_id for one in talk.working)

    def working(self, now: float) -> list[tuple[Open, float]]:
        """The last question that is worked on in each conversation, and for how many seconds."""
        return [(talk.working[-1], now - talk.since) for talk in self._talks.values()]

    def to_tell(self, now: float, every_s: float) -> list[Open]:
        """The questions whose senders want to be told again that there is somebody at work."""
        told = []
        for talk in self._talks.values():
            if now - talk.told_at >= every_s and talk.working[-1].wants_states:
                talk.told_at = now
                told.append(talk.working[-1])
        return told

    def drop(self, now: float, older_than_s: float = LOST_S) -> list[Open]:
        """Forgets conversations whose turn is that old; returns the last question that was worked on in each."""
        lost = [pair for pair, talk in self._talks.items() if now - talk.since >= older_than_s]
        dropped = []
        for pair in lost:
            talk = self._talks.pop(pair)
            dropped.append(talk.working[-1])
            self._forget([*talk.working, *talk.waiting])
        return dropped

    def _forget(self, questions: list[Open]) -> None:
        for one in questions:
            self._turns.pop(one.turn_id, None)
