"""Quota counters and short-term memory in Redis: one script before a turn, one after it (DESIGN 3: two calls a turn).

The sum is that of `policy/quota.py`, done atomically: N parallel reservations are never admitted past a limit. Each
reservation is an entry (turn, tokens, lease) beside its counters; one whose lease ran out is given back by the next
call. A turn that asks again, after a crash or with one more message, first gives back what it held, and carries what
its attempts before have cost. When Redis has lost its memory nothing is reserved until registry/quota_memory.py has
rebuilt it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoAnswer

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.units import SHORT_TERM_TTL_S
from policy.quota import Exceeded, Held, Reservation, Unit, window_key
from registry.quota_scripts import REMEMBER, RESERVE, SETTLE

SETTLED_S: Final = 900
"""How long it is remembered what a turn was settled with: a turn that is run again after a crash asks within it."""


_UNLIMITED: Final = -1
"""In the scripts' words."""
EACH_PERSON: Final = "each person, per minute"
"""The name of the limit on messages."""


CLOCK_BACK: Final = (
    "this machine's clock is {} s behind the newest message that was counted: windows that are over would be spent"
    " again. Mend: set the clock right; if it is, and was ahead before, restart Redis, and the counters are rebuilt"
)


class QuotaUnavailable(Exception):
    """Redis does not answer, or does not remember, or the clock went back: nothing may be spent."""


class QuotaSilent(QuotaUnavailable):
    """Redis is there and answers nobody. Who asked has waited long enough."""


class QuotaForgotten(QuotaUnavailable):
    """Redis has lost its memory. It is rebuilt; then one can ask again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One window of a budget: its name, `tokens`, and length in seconds. None: it is counted and never refuses, so that
    a limit which is set later knows what was used.
    """

    name: str
    scope: UUID
    tokens: int | None
    seconds: int


@dataclass(frozen=True, slots=True)
class AtOnce:
    """How many turns of a scope may run at once; None: as many as there are."""

    name: str
    scope: UUID
    turns: int | None


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages somebody may send in `seconds`, by both doors; `messages` are those of this turn.

    `key` is the counter that the HTTP door counts in, too (registry.rates.rate_key). A message counts once, however
    often its turn asks.
    """

    key: str
    limit: int
    seconds: int
    messages: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Whose budget, and which history."""

    owner: OwnerId
    agent: AgentId
    subject: str
    history_limit: int
    """Turns that short-term memory keeps."""

    @property
    def history_key(self) -> str:
        """Owner-prefixed."""
        return f"st:{self.owner}:{self.agent}:{self.subject}"


@dataclass(frozen=True, slots=True)
class Request:
    """What a turn asks for. Times are wall-clock milliseconds."""

    turn: TurnId
    input_tokens: int
    max_tokens: int
    limits: Sequence[Limit]
    at_once: Sequence[AtOnce]
    """The first one's scope is the owner."""
    now_ms: int
    lease_ms: int
    spent: int = 0
    """By attempts before this one in this process."""
    rate: Rate | None = None
    """None for a message that its door has counted."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation, and the conversation's short-term entries, oldest first, as they were stored."""

    reservation: Reservation
    entries: tuple[bytes, ...]
    crashed: int = 0
    """What attempts have cost that died with their orchestrator."""
    history_missing: bool = False
    """Redis knows nothing of this conversation: it is new, long idle, or was lost."""


class Quotas:
    """Reserves and settles for one orchestrator, `holder`. Knows its own open reservations by heart."""

    def __init__(self, redis: Redis, holder: str) -> None:
        self.holder = holder
        self.open: dict[UUID, Held] = {}
        """Reserved and not settled in Redis yet; what could not be settled has `used`."""
        self._reserve = redis.register_script(RESERVE)
        self._settle = redis.register_script(SETTLE)
        self._remember = redis.register_script(REMEMBER)

    async def reserve(self, conversation: Conversation, request: Request) -> Reserved | Exceeded:
        """Sets tokens aside for a turn and reads its history. Raises QuotaUnavailable, QuotaSilent, QuotaForgotten."""
        asked = _asked(conversation, request, self.holder)
        try:
            answer = await self._reserve(keys=[conversation.history_key], args=[json.dumps(asked)])
        except NoAnswer as silent:
            raise QuotaSilent(repr(silent)) from silent
        except (RedisError, OSError) as gone:
            raise QuotaUnavailable(repr(gone)) from gone
        if answer[0] == b"forgotten":
            raise QuotaForgotten("the counters are not rebuilt yet")
        if answer[0] == b"clock":
            raise QuotaUnavailable(CLOCK_BACK.format(int(answer[1]) // 1000))
        if answer[0] != b"ok":
            return _exceeded(answer, request)
        tokens, input_tokens, crashed, carried = (int(number) for number in answer[1:5])
        self.open[request.turn] = Held(
            turn=request.turn,
            owner=conversation.owner,
            tokens=tokens,
            input_tokens=input_tokens,
            crashed=crashed,
            carried=carried,
            windows=tuple(window["name"] for window in asked["windows"]),
            slots=tuple(slot["scope"] for slot in asked["slots"]),
            holder=self.holder,
            until_ms=request.now_ms + request.lease_ms,
        )
        return Reserved(Reservation(tokens, input_tokens, carried), tuple(answer[5]), crashed, bool(answer[6]))

    async def remember(self, conversation: Conversation, entries: Sequence[bytes]) -> bool:
        """Puts a lost conversation's entries, oldest first, in place; false when there are some by now.

        Raises QuotaUnavailable.
        """
        try:
            put = await self._remember(keys=[conversation.history_key], args=[SHORT_TERM_TTL_S, *entries])
        except (RedisError, OSError) as gone:
            raise QuotaUnavailable(repr(gone)) from gone
        return bool(put)

    async def settle(self, conversation: Conversation, turn: TurnId, used: int, entry: bytes) -> bool:
        """Books what was used in all, gives back the rest, and appends `entry` (empty: nothing) to the history.

        `entry` begins with the 16 bytes of the turn's id, so that a repeated settlement appends once. Returns whether
        a reservation was open. Raises QuotaUnavailable: then it is remembered, and `settle_late` does it.
        """
        held = self.open.get(turn)
        try:
            answer = await self._book(conversation, turn, self.holder, used, held, entry)
        except QuotaUnavailable:
            if held is not None:
                self.open[turn] = replace(held, used=used)
            raise
        self.open.pop(turn, None)
        return answer == b"settled"

    async def release(self, conversation: Conversation, turn: TurnId, entry: bytes) -> None:
        """Ends what an orchestrator had reserved that died, at what it has surely cost. Raises QuotaUnavailable."""
        await self._book(conversation, turn, "", -1, None, entry)

    async def settle_late(self) -> None:
        """Settles what could not be settled when it was due. Raises QuotaUnavailable."""
        for held in [held for held in self.open.values() if held.used is not None]:
            nothing_said = Conversation(OwnerId(held.owner), AgentId(held.owner), "", 0)
            await self._book(nothing_said, TurnId(held.turn), self.holder, held.used or 0, held, b"")
            self.open.pop(held.turn, None)

    def forget_lapsed(self, now_ms: int) -> None:
        """Lets go of reservations whose lease ran out: of turns that belong to another orchestrator now."""
        for turn in [turn for turn, held in self.open.items() if held.until_ms < now_ms]:
            del self.open[turn]

    async def _book(
        self, conversation: Conversation, turn: TurnId, holder: str, used: int, held: Held | None, entry: bytes
    ) -> bytes:
        windows = json.dumps(held.windows if held else [])
        limits = (conversation.history_limit, SHORT_TERM_TTL_S, SETTLED_S)
        of = (str(turn), str(conversation.owner), holder)
        arguments: list[str | int | bytes] = [*of, used, windows, entry, *limits]
        try:
            answer = await self._settle(keys=[conversation.history_key], args=arguments)
        except (RedisError, OSError) as gone:
            raise QuotaUnavailable(repr(gone)) from gone
        if answer == b"forgotten":
            raise QuotaForgotten("the counters are not rebuilt yet")
        return bytes(answer)


def _asked(conversation: Conversation, request: Request, holder: str) -> dict[str, Any]:
    seconds_now = request.now_ms // 1000
    return {
        "turn": str(request.turn),
        "owner": str(conversation.owner),
        "holder": holder,
        "now": request.now_ms,
        "lease": request.lease_ms,
        "input": request.input_tokens,
        "max": request.max_tokens,
        "spent": request.spent,
        "history": conversation.history_limit,
        "windows": [
            {
                "name": window_key(limit.scope, limit.seconds, request.now_ms),
                "limit": _limit(limit.tokens),
                "reset": limit.seconds - seconds_now % limit.seconds,
            }
            for limit in request.limits
        ],
        "slots": [{"scope": str(one.scope), "limit": _limit(one.turns)} for one in request.at_once],
        "rate": None if request.rate is None else _rate(request.rate),
    }


def _limit(limit: int | None) -> int:
    return _UNLIMITED if limit is None else limit


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "key": rate.key,
        "limit": rate.limit,
        "seconds": rate.seconds,
        "messages": [str(message) for message in rate.messages],
        "kept": SETTLED_S,
    }


def _exceeded(answer: Sequence[Any], request: Request) -> Exceeded:
    if answer[0] == b"rate" and request.rate is not None:
        return Exceeded(EACH_PERSON, request.rate.limit, max(1, int(answer[1])), Unit.MESSAGES)
    if answer[0] == b"slots":
        full = request.at_once[int(answer[1]) - 1]
        return Exceeded(full.name, full.turns or 0, 0, Unit.TURNS)
    if answer[0] == b"none":
        return Exceeded("none", 0, 0)
    limit = request.limits[int(answer[1]) - 1]
    return Exceeded(limit.name, limit.tokens or 0, limit.seconds - request.now_ms // 1000 % limit.seconds)


def as_entry(held: Held) -> dict[str, Any]:
    """A reservation in the words of the scripts."""
    entry = {
        "id": str(held.turn),
        "o": str(held.owner),
        "t": held.tokens,
        "i": held.input_tokens,
        "x": held.crashed,
        "c": held.carried,
        "w": list(held.windows),
        "l": list(held.slots),
        "h": held.holder,
        "e": held.until_ms,
    }
    return entry if held.used is None else entry | {"u": held.used}


def held_of(entry: Mapping[str, Any]) -> Held:
    """The reservation that an entry says. An empty list comes back from Lua as an empty object."""
    return Held(
        turn=UUID(entry["id"]),
        owner=UUID(entry["o"]),
        tokens=int(entry["t"]),
        input_tokens=int(entry["i"]),
        crashed=int(entry["x"]),
        carried=int(entry["c"]),
        windows=tuple(entry["w"]),
        slots=tuple(entry["l"]),
        holder=str(entry["h"]),
        until_ms=int(entry["e"]),
        used=int(entry["u"]) if "u" in entry else None,
    )
