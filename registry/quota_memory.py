"""Redis has lost its memory: the counters are rebuilt from settled usage and every open turn (DESIGN 3).

Each orchestrator posts its own open reservations. When all that live have, one reads PostgreSQL once (settled usage,
and which of the posted turns are in it already), and puts counters and reservations in place in one step. Meanwhile a
turn that ends is settled in what was posted; then the step is refused, and made again with that.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from aiox.runtime.clock import Clock
from policy.quota import DAY_S, MINUTE_S, Held, Settled, rebuilt
from registry.quota_scripts import APPLY, OUTLIVES_S, POST, STATE
from registry.quotas import Quotas, QuotaUnavailable, as_entry, held_of

KEPT_S: Final = 3600
"""How long what was posted, and reservations put in place, may stay; their leases are shorter."""


@dataclass(frozen=True, slots=True)
class Books:
    """What PostgreSQL says at one instant."""

    settled: Sequence[Settled]
    concluded: Collection[UUID]
    """Those of the turns asked about that have their outcome: what they used is in `settled`."""


Living = Callable[[], Awaitable[Collection[str]]]
"""The orchestrators that live now. Raises when PostgreSQL is away."""
ReadBooks = Callable[[Sequence[UUID]], Awaitable[Books]]
"""One snapshot of settled usage, and of these turns. Raises when PostgreSQL is away."""


class QuotaMemory:
    """Watches whether Redis remembers, and rebuilds. One per orchestrator; `check` is called every now and then."""

    def __init__(self, redis: Redis, quotas: Quotas, living: Living, books: ReadBooks, clock: Clock) -> None:
        self._quotas = quotas
        self._living = living
        self._books = books
        self._clock = clock
        self._state = redis.register_script(STATE)
        self._post = redis.register_script(POST)
        self._apply = redis.register_script(APPLY)
        self._posted_to = ""

    async def check(self) -> bool:
        """Does what is to be done now; whether the counters count. Raises QuotaUnavailable, or what PostgreSQL raised.

        False: another orchestrator has not posted yet, or a turn ended just now; check again soon.
        """
        run, whole = await self._asked(self._state, [])
        if whole and (run.decode() == self._posted_to or not self._quotas.open):
            self._posted_to = run.decode()
        elif not await self._rebuild(run):
            return False
        await self._quotas.settle_late()
        self._quotas.forget_lapsed(self._now_ms())
        return True

    async def _rebuild(self, run: bytes) -> bool:
        mine = list(self._quotas.open.values())
        entries = json.dumps([as_entry(held) for held in mine])
        answer = await self._asked(self._post, [run, self._quotas.holder, KEPT_S, entries])
        if answer[0] == b"moved":
            return False
        self._forget_settled(mine)
        self._posted_to = run.decode()
        if answer[0] == b"whole":
            return True
        posted_by = {holder.decode() for holder in answer[1]}
        if not posted_by >= set(await self._living()):
            return False
        held = [held_of(json.loads(entry)) for entry in answer[3]]
        return await self._put_in_place(run, int(answer[2]), held)

    def _forget_settled(self, posted: Sequence[Held]) -> None:
        """What was posted as settled needs nothing more, unless it changed meanwhile."""
        for held in posted:
            if held.used is not None and self._quotas.open.get(held.turn) == held:
                del self._quotas.open[held.turn]

    async def _put_in_place(self, run: bytes, version: int, held: Sequence[Held]) -> bool:
        books = await self._books([one.turn for one in held])
        counters = rebuilt(books.settled, held, books.concluded)
        still_open = [one for one in held if one.used is None and one.turn not in books.concluded]
        arguments: list[str | int | bytes] = [
            run,
            version,
            KEPT_S,
            json.dumps([[name, tokens, self._seconds_left(name)] for name, tokens in counters.items()]),
            json.dumps([as_entry(one) for one in still_open]),
        ]
        return bool(await self._asked(self._apply, arguments) == b"whole")

    def _seconds_left(self, window: str) -> int:
        """How long a counter is of use: until its window ends, and as long as it outlives it."""
        _, seconds, number = window.split(":")
        ends_ms = (int(number) + 1) * int(seconds) * 1000
        return max(MINUTE_S, min(DAY_S, (ends_ms - self._now_ms()) // 1000) + OUTLIVES_S)

    async def _asked(self, script: Any, arguments: Sequence[str | int | bytes]) -> Any:
        try:
            return await script(keys=[], args=arguments)
        except (RedisError, OSError) as gone:
            raise QuotaUnavailable(repr(gone)) from gone

    def _now_ms(self) -> int:
        return round(self._clock.now().timestamp() * 1000)
