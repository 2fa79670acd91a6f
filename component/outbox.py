"""The outbox: rows announced or found waiting are sent, and done only when they are known to have arrived.

Component links acknowledge nothing. So a ping (XEP-0199) goes out behind what was sent; its pong shows that the server
has taken the stanzas, not that it has stored them: it archives in the process of the recipient's client, a little later
(tried). An answer to an account of our own server is done when it stands in the archive; anything else at the pong.

A row that may have been sent before is looked up first and sent only if absent. One row of a conversation is under way
at a time, in the order of the rows' numbers, so that a repeat cannot overtake or be overtaken.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import INTRODUCTION, Envelope, OutboxReady
from aiox.kernel.jid import domain
from aiox.runtime.clock import Clock
from aiox.runtime.crash import CrashPoint, Hook, no_hook
from aiox.runtime.logs import Log
from aiox.runtime.steps import Step
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.waiting import came
from component.far_servers import FarServers
from component.letters import Letter, Letters
from component.link import Link, LinkLost
from component.metrics import REPLIES
from component.stanzas_out import archived_stanzas
from component.talk import Talk
from registry.archive import Kept, Stanza
from registry.outbox import Row

SWEEP_S: Final = 5.0
SWEEP_LIMIT: Final = 512
UNDER_WAY: Final = 512
"""Rows that are sent and not done. Bounds what the server may still hold of a stream that broke."""
INTRODUCTIONS: Final = 16
"""Of these. Each may have to be put into somebody's contacts, which the server takes its time for; no answer waits."""

CONFIRM_TIMEOUT_S: Final = 20.0
ABSENT_S: Final = 5.0
"""An answer that is not in the archive so long after its pong was lost: the server or its database died."""

GRACE_S: Final = 1.0
"""After a stream broke, what was written to it may still be on its way to the archive."""

RETRY_S: Final = 0.5
GATHER_S: Final = 0.05
"""At most one ping in so long: what is sent meanwhile shares the next, and its look at the archive and its mark. Nobody
waits for these but the next answer of the same conversation. The first ping after a pause goes at once.
"""
LOOK_AGAIN_S: Final = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
TRIES: Final = 10
HINTS: Final = 20_000
REMEMBERED: Final = 20_000
"""Marked rows kept in mind: what was read from the table just before they were marked must not send them again."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The table and the archive. Each raises when its store is down; asking or marking twice is harmless."""

    pending: Callable[[int, float, int], Awaitable[Sequence[Row]]]
    """Rows not marked yet behind a number, older than so many seconds, in order, at most so many."""
    due: Callable[[Sequence[UUID]], Awaitable[Sequence[Row]]]
    """These rows unless marked, with those that have to go out before them, in order."""
    mark_sent: Callable[[Sequence[UUID]], Awaitable[None]]
    look_up: Callable[[Sequence[Stanza]], Awaitable[Sequence[Kept]]]


Mine = Callable[[UUID], bool]
"""Whether this process sends the rows of this conversation. No other does while it says yes."""


class Outbox:
    """Sends outbox rows over a link. Each of its methods `..._for_ever` is a task to start once."""

    def __init__(
        self,
        link: Link,
        stores: Stores,
        server_domain: str,
        talk: Talk,
        telemetry: Telemetry,
        clock: Clock,
        log: Log,
        mine: Mine = lambda _: True,
        crash: Hook = no_hook,
        goes: Callable[[str], bool] = lambda _: True,
        refused: Callable[[str, Sequence[str]], bool] = lambda *_: False,
        far: FarServers | None = None,
    ) -> None:
        """`refused` says whether stanzas of these ids came back from an address for good: they are not sent again."""
        self._link = link
        self._goes = goes
        self._refused = refused
        self._far = far
        self._stores = stores
        self._server_domain = server_domain
        self._talk = talk
        self._telemetry = telemetry
        self._clock = clock
        self._log = log
        self._mine = mine
        self._crash = crash
        self._since = clock.monotonic()
        self._letters = Letters()
        self._hints: dict[UUID, None] = {}
        self._sent: list[Letter] = []
        self._introduced: list[Letter] = []
        self._introducing = 0
        self._confirmed: list[Letter] = []
        self._under_way = 0
        self._given_up: set[UUID] = set()
        self._marked: OrderedDict[UUID, None] = OrderedDict()
        self._work, self._to_confirm, self._to_file = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._to_introduce, self._look, self._freed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @property
    def under_way(self) -> int:
        """Rows that were taken to be sent and are not done."""
        return self._under_way

    async def let_go(self, seconds: float) -> None:
        """Waits until nothing is under way of what is not ours any more, so many seconds at most.

        What is left then is looked up by whoever sends it next.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while any(not self._mine(one) for one in self._letters.under_way()):
                    self._freed.clear()
                    await self._freed.wait()

    def took_over(self) -> None:
        """From now on we send rows that another process sent before: the older ones are looked up first."""
        self._since = self._clock.monotonic()
        self._look.set()

    def take(self, envelope: Envelope[OutboxReady]) -> None:
        """Hears of a row. What is sent is what the table says, so a hint that is lost costs seconds, no answer."""
        ready = envelope.payload
        if ready.outbox_id not in self._letters and len(self._hints) < HINTS:
            self._hints[ready.outbox_id] = None
            self._work.set()

    async def send_for_ever(self) -> None:
        """Reads what was announced and sends what may go, until cancelled."""
        while True:
            await came(self._work, RETRY_S)
            try:
                await self._read_hints()
                await self._send()
            except Exception as failed:  # noqa: BLE001 -- a store may be away; the rows are safe in it
                self._log.warning("outbox_not_read", error=repr(failed))
                await asyncio.sleep(RETRY_S)
                self._work.set()

    async def confirm_for_ever(self) -> None:
        """Pings behind what was sent, one ping at a time, until cancelled."""
        while True:
            await self._to_confirm.wait()
            self._to_confirm.clear()
            free_at = self._clock.monotonic() + GATHER_S
            sent, self._sent = self._sent, []
            await self._confirm(sent)
            await asyncio.sleep(max(0.0, free_at - self._clock.monotonic()))

    async def introduce_for_ever(self) -> None:
        """The same behind introductions, once they are entries among contacts, until cancelled."""
        while True:
            await self._to_introduce.wait()
            self._to_introduce.clear()
            sent, self._introduced = self._introduced, []
            await self._confirm(sent, entries=True)

    async def file_for_ever(self) -> None:
        """Marks what has arrived, until cancelled."""
        quiet = 0
        while True:
            await self._to_file.wait()
            self._to_file.clear()
            await asyncio.sleep(LOOK_AGAIN_S[min(quiet, len(LOOK_AGAIN_S) - 1)])
            looked, self._confirmed = self._confirmed, []
            try:
                done = await self._file(looked)
            except Exception as failed:  # noqa: BLE001 -- rows that arrived stay under way until the stores are back
                self._log.warning("outbox_not_marked", rows=len(looked), error=repr(failed))
                done = False
                self._confirmed += [letter for letter in looked if letter.id in self._letters]
                await asyncio.sleep(RETRY_S)
            quiet = 0 if done else quiet + 1
            if self._confirmed:
                self._to_file.set()

    async def sweep_for_ever(self) -> None:
        """Finds the rows whose announcement was lost, until cancelled."""
        older_than_s = 0.0
        while True:
            try:
                await self._sweep(older_than_s)
                older_than_s = SWEEP_S
            except Exception as failed:  # noqa: BLE001 -- the store may be away; the rows are safe in it
                self._log.warning("outbox_sweep_failed", error=repr(failed))
            if await came(self._look, SWEEP_S):
                older_than_s = 0.0

    async def _sweep(self, older_than_s: float) -> None:
        after = 0
        while True:
            rows = await self._stores.pending(after, older_than_s, SWEEP_LIMIT)
            if not all(self._put(row) for row in rows) or len(rows) < SWEEP_LIMIT:
                return
            after = rows[-1].seq

    async def _read_hints(self) -> None:
        while self._hints:
            hints = list(self._hints)[:SWEEP_LIMIT]
            for row in await self._stores.due(hints):
                self._put(row)
            for hint in hints:
                del self._hints[hint]

    def _put(self, row: Row) -> bool:
        """False when there is no room for it now."""
        if row.envelope is None:
            if row.id not in self._given_up:
                self._given_up.add(row.id)
                self._log.error("outbox_row_damaged", outbox_id=str(row.id))
            return True
        if row.id in self._given_up or row.id in self._marked or not self._mine(row.conversation):
            return True
        doubt = row.age_s >= self._clock.monotonic() - self._since
        self._work.set()
        return self._letters.put(Letter(row.id, row.seq, row.conversation, row.envelope, doubt))

    async def _send(self) -> None:
        if not self._link.up:
            self._work.set()
            await asyncio.sleep(0.05)
            return
        letters = self._letters.take(self._clock.monotonic(), UNDER_WAY - self._under_way, self._may_go)
        self._under_way += len(letters)
        absent = await self._absent(letters)
        for letter in sorted(letters, key=lambda one: one.seq):
            self._send_one(letter, absent.get(letter.id))
        if self._sent:
            self._to_confirm.set()
        if self._introduced:
            self._to_introduce.set()

    def _may_go(self, ready: OutboxReady) -> bool:
        """Whether it may leave now; it does then."""
        introduces = ready.kind == INTRODUCTION
        if (introduces and self._introducing >= INTRODUCTIONS) or not self._goes(ready.to_jid):
            return False
        self._introducing += introduces
        return True

    async def _absent(self, letters: Sequence[Letter]) -> dict[UUID, set[str]]:
        """By letter in doubt: the ids of its stanzas that are not in the archive. Every other letter is not in it."""
        doubtful = [letter for letter in letters if letter.doubt and self._is_archived(letter.ready)]
        if not doubtful:
            return {}
        try:
            found = await self._look_up(doubtful)
        except Exception:
            for letter in letters:
                self._again(letter, RETRY_S)
            raise
        return {
            letter.id: {stanza.origin_id for stanza, kept in one if kept is not Kept.YES}
            for letter, one in zip(doubtful, found, strict=True)
        }

    def _send_one(self, letter: Letter, absent: set[str] | None) -> None:
        ready = letter.ready
        if not self._mine(letter.conversation):
            self._finish(letter)
            return
        self._crash(CrashPoint.BEFORE_SEND, ready.body)
        try:
            stanzas = self._stanzas(letter.envelope, absent)
        except Exception as bug:  # noqa: BLE001 -- one bad row must not stop the others
            self._give_up(letter, repr(bug))
            return
        attributes = {"aiox.turn_id": str(ready.turn_id), "aiox.correlation_id": str(letter.envelope.correlation_id)}
        with self._telemetry.span(Step.REPLIED, letter.envelope.traceparent, attributes):
            written = all(self._link.send(stanza) for stanza in stanzas)
        letter.session = self._link.session
        if written:
            letter.tries += 1
            (self._introduced if ready.kind == INTRODUCTION else self._sent).append(letter)
        elif self._link.up:
            self._give_up(letter, "refused by the link")
        else:
            self._again(letter, GRACE_S)

    async def _confirm(self, sent: Sequence[Letter], *, entries: bool = False) -> None:
        await asyncio.sleep(0)  # lets the loop hand what was written to the kernel
        for letter in sent:
            self._crash(CrashPoint.AFTER_SEND, letter.ready.body)
        try:
            session = await self._link.confirm(CONFIRM_TIMEOUT_S, entries=entries)
        except LinkLost as lost:
            self._log.warning("replies_not_confirmed", rows=len(sent), error=str(lost))
            session = -1
        now = self._clock.monotonic()
        for letter in sent:
            # A pong on a new stream says nothing about what was written to the old one.
            if letter.session != session:
                self._again(letter, GRACE_S)
                continue
            letter.confirmed_at = now
            self._confirmed.append(letter)
            self._to_file.set()
            self._crash(CrashPoint.AFTER_PONG, letter.ready.body)

    async def _file(self, letters: Sequence[Letter]) -> bool:
        """Marks those that have arrived; keeps or repeats the others. Returns whether there was one."""
        waiting = [letter for letter in letters if self._is_archived(letter.ready)]
        missing: set[UUID] = set()
        for letter, found in zip(waiting, await self._look_up(waiting), strict=True):
            late = [stanza.origin_id for stanza, kept in found if kept is Kept.NOT_YET]
            if late and self._refused(letter.ready.to_jid, late):
                self._log.info("answer_was_refused", outbox_id=str(letter.id))
            elif late and letter.tries < TRIES:
                missing.add(letter.id)
        missing |= self._far.missing(letters, self._clock.now(), self._log) if self._far else set()
        arrived = [letter for letter in letters if letter.id not in missing]
        if arrived:
            await self._stores.mark_sent([letter.id for letter in arrived])
        for letter in arrived:
            REPLIES.labels(letter.ready.kind).inc()
            self._marked[letter.id] = None
            if letter.tries >= TRIES:
                self._log.error("answer_not_archived", outbox_id=str(letter.id), tries=letter.tries)
            self._finish(letter)
            self._crash(CrashPoint.AFTER_MARK, letter.ready.body)
        while len(self._marked) > REMEMBERED:
            self._marked.popitem(last=False)
        now = self._clock.monotonic()
        for letter in letters:
            if letter.id in missing:
                self._wait_or_repeat(letter, now)
        return bool(arrived)

    def _wait_or_repeat(self, letter: Letter, now: float) -> None:
        far = self._far if self._far is not None and self._far.is_far(letter.ready.to_jid) else None
        patience = ABSENT_S if letter.session == self._link.session else GRACE_S
        if not letter.lost and (far is not None or now - letter.confirmed_at < patience):
            self._confirmed.append(letter)
            return
        self._log.warning("answer_was_lost_and_is_sent_again", outbox_id=str(letter.id), tries=letter.tries)
        self._again(letter, 0.0 if far is None else far.again_s(letter.ready.to_jid))

    async def _look_up(self, letters: Sequence[Letter]) -> list[list[tuple[Stanza, Kept]]]:
        """What the archive says of each stanza of each letter."""
        if not letters:
            return []
        wanted = [archived_stanzas(letter.ready) for letter in letters]
        said = iter(await self._stores.look_up([stanza for one in wanted for stanza in one]))
        return [[(stanza, next(said)) for stanza in one] for one in wanted]

    def _is_archived(self, ready: OutboxReady) -> bool:
        # Errors and presence are not archived; other servers' archives are not ours to read.
        return ready.kind not in ("error", INTRODUCTION) and domain(ready.to_jid) == self._server_domain

    def _give_up(self, letter: Letter, why: str) -> None:
        self._log.error("outbox_row_cannot_be_sent", outbox_id=str(letter.id), error=why)
        self._given_up.add(letter.id)
        self._finish(letter)

    def _finish(self, letter: Letter) -> None:
        self._letters.done(letter)
        self._is_back(letter)

    def _again(self, letter: Letter, wait_s: float) -> None:
        self._letters.again(letter, self._clock.monotonic() + wait_s)
        self._is_back(letter)

    def _is_back(self, letter: Letter) -> None:
        self._under_way -= 1
        self._introducing -= letter.ready.kind == INTRODUCTION
        self._freed.set()
        self._work.set()

    def _stanzas(self, envelope: Envelope[OutboxReady], absent: set[str] | None) -> list[Element]:
        stanzas, behind = self._talk.answered(envelope)
        return [*(one for one in stanzas if absent is None or one.get("id", "") in absent), *behind]
