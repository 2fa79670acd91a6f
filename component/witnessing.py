"""Hubs co-sign each other's ledgers: whoever rewrites one is found out by those who have seen it (docs/ledger.md).

After each new checkpoint the hubs that we know are asked to co-sign it, with a proof that it goes on from the one that
they co-signed last. They ask us the same. What does not go on is never co-signed; it is noted, and said loudly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import uuid4
from xml.etree.ElementTree import Element

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from component.features.hubs import (
    answer_witness,
    ask_witness,
    checkpoint_in,
    condition_of,
    cosignature_in,
    refuse_witness,
)
from component.hubs import HubKeys, hubs_of
from component.metrics import WITNESSED, WITNESSES
from component.requests import NotAnswered, Requests
from policy.cosignatures import WitnessKey, cosigners, with_lines
from policy.ledger import Record
from policy.notes import BadNote, Checkpoint
from policy.peers import AGENTS, Peer, home_of
from policy.witness import Asked, No, Refused, Seen, judge
from registry.checkpoints import StoredCheckpoint
from registry.hub_documents import Pinned
from registry.ledger_tree import NotInTheTree
from registry.witness import Cosignature, SeenLog

LOOK_S: Final = 1.0
"""How often it is looked whether there is a new checkpoint."""
AGAIN_S: Final = 3.0
"""When a witness that did not co-sign is asked again; each time twice as long, LONGEST_S at most."""
LONGEST_S: Final = 300.0
ANSWER_S: Final = 20.0
FORKED: Final = "witness.forked"
"""Another hub's ledger does not go on from what we have seen of it."""
DOUBTED: Final = "witness.doubted"
"""A witness says so of ours."""


@dataclass(frozen=True, slots=True)
class Known:
    """The registry, as far as witnessing is concerned. Each raises what the store raises."""

    peers: Callable[[], Awaitable[Mapping[str, Peer]]]
    pinned: Callable[[str], Awaitable[Pinned | None]]
    seen: Callable[[str], Awaitable[SeenLog | None]]
    remember: Callable[[str, Checkpoint, str, Seen | None, datetime], Awaitable[bool]]
    forked: Callable[[str, str, datetime], Awaitable[bool]]
    newest: Callable[[], Awaitable[StoredCheckpoint | None]]
    largest: Callable[[str], Awaitable[int]]
    consistency: Callable[[int, int], Awaitable[Sequence[bytes]]]
    """The proof from the first size to the second. Raises NotInTheTree."""
    keep: Callable[[Cosignature], Awaitable[bool]]
    append: Callable[[Sequence[Record]], Awaitable[None]]


class Witness:
    """Answers those who ask us to co-sign. `keys` reads the hub's keys as they are now."""

    def __init__(self, keys: Callable[[], HubKeys], known: Known, clock: Clock, log: Log) -> None:
        self._keys = keys
        self._known = known
        self._clock = clock
        self._log = log

    async def answer(self, query: Element) -> Element:
        """The cosignature, or why there is none. Raises what the store raises: then nothing was co-signed."""
        hub = home_of(query.get("from", ""))
        done = await self.cosign(hub, checkpoint_in(query) or "")
        WITNESSED.labels("cosigned" if isinstance(done, str) else str(done.why)).inc()
        return answer_witness(query, done) if isinstance(done, str) else refuse_witness(query, done)

    async def cosign(self, hub: str, text: str) -> str | Refused:
        """The lines. What was seen is stored before it is signed, in one step with the check of what was before."""
        pinned, origin = await self._known.pinned(hub), f"{hub}/ledger"
        log = await self._known.seen(origin)
        try:
            asked = Asked.parse(text)
        except BadNote:
            return Refused(No.MALFORMED, log.seen.size if log else 0)
        if pinned is None:
            return Refused(No.UNKNOWN_LOG)
        if log is not None and log.forked_at is not None:
            return Refused(No.FORKED, log.seen.size)
        found = judge(asked, origin, pinned.document.ledger, log.seen if log else None)
        if isinstance(found, Refused):
            if found.why is No.FORKED:
                await self._forked(hub, origin, asked.note)
            return found
        now = self._clock.now()
        if not await self._known.remember(hub, found, asked.note, log.seen if log else None, now):
            return Refused(No.OTHER_SIZE, log.seen.size if log else 0)
        return "".join(signer.cosign(found.text, int(now.timestamp())) for signer in self._keys().witnesses)

    async def _forked(self, hub: str, origin: str, note: str) -> None:
        self._log.error("ledger_of_peer_rewritten", hub=hub)
        if await self._known.forked(origin, note, self._clock.now()):
            details = {"peer": hub, "origin": origin}
            await self._known.append([_record(FORKED, details, self._clock.now())])


class Witnessing:
    """Has our own checkpoints co-signed. Start `run` as a task, once."""

    def __init__(self, known: Known, requests: Requests, clock: Clock, log: Log) -> None:
        self._known = known
        self._requests = requests
        self._clock = clock
        self._log = log
        self._begin: dict[str, int] = {}
        """At which size a witness says that it stands."""
        self._due: dict[str, float] = {}
        self._waits: dict[str, float] = {}
        self._doubted: set[str] = set()

    async def run(self) -> None:
        """Looks for new checkpoints, for ever."""
        while True:
            try:
                await self.look()
            except Exception as failed:  # noqa: BLE001 -- the store may be away; it is looked again
                self._log.warning("checkpoints_not_shown", error=describe(failed))
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """One round: whoever has not co-signed the newest checkpoint is asked. Raises what the store raises."""
        newest = await self._known.newest()
        if newest is None:
            return
        now = self._clock.monotonic()
        hubs = hubs_of(await self._known.peers())
        self._forget_all_but(hubs)
        await asyncio.gather(*(self._show(hub, newest) for hub in hubs if self._due.get(hub, 0.0) <= now))

    def _forget_all_but(self, hubs: Sequence[str]) -> None:
        """What is remembered of a hub goes with its entry."""
        for known in (self._begin, self._due, self._waits):
            for gone in known.keys() - set(hubs):
                del known[gone]
        self._doubted &= set(hubs)

    async def _show(self, hub: str, newest: StoredCheckpoint) -> None:
        pinned = await self._known.pinned(hub)
        keys = pinned.document.witnesses if pinned else ()
        if not keys:
            return
        old = self._begin.get(hub, max([await self._known.largest(str(key)) for key in keys]))
        if old >= newest.size and hub not in self._begin:
            return
        try:
            proof = await self._known.consistency(old, newest.size) if old else ()
            asked = Asked(old, tuple(proof), newest.note)
            reply = await self._requests.ask(partial(_query, hub, asked.encode()), ANSWER_S)
        except (NotAnswered, NotInTheTree) as silent:
            self._later(hub, str(silent))
            return
        await self._take(hub, keys, newest, reply)

    async def _take(self, hub: str, keys: Sequence[WitnessKey], newest: StoredCheckpoint, reply: Element) -> None:
        said = cosignature_in(reply)
        if said is None:
            self._later(hub, condition_of(reply))
        elif isinstance(said, str):
            await self._keep(hub, keys, newest, said)
        elif said.why is No.OTHER_SIZE and 0 <= said.size <= newest.size and self._begin.get(hub) != said.size:
            self._begin[hub] = said.size  # it stands elsewhere than we knew: once more from there, at the next look
        else:
            await self._refused(hub, said)

    async def _keep(self, hub: str, keys: Sequence[WitnessKey], newest: StoredCheckpoint, lines: str) -> None:
        try:
            found = cosigners(with_lines(newest.note, [lines]), keys)
        except BadNote as bad:
            self._later(hub, str(bad))
            return
        if not found:
            self._later(hub, "it was co-signed by no key that is pinned")
            return
        for one in found:
            await self._known.keep(Cosignature(newest.size, str(one.key), one.line, self._clock.now()))
        self._begin.pop(hub, None)
        self._waits.pop(hub, None)
        self._doubted.discard(hub)
        WITNESSES.labels(hub).set(newest.size)

    async def _refused(self, hub: str, refused: Refused) -> None:
        """A witness that calls our ledger rewritten is heard once on record, and asked again seldom."""
        self._later(hub, str(refused.why))
        if refused.why is No.FORKED and hub not in self._doubted:
            self._doubted.add(hub)
            self._log.error("ledger_doubted_by_witness", hub=hub, size=refused.size)
            await self._known.append([_record(DOUBTED, {"peer": hub, "size": refused.size}, self._clock.now())])

    def _later(self, hub: str, why: str) -> None:
        wait = self._waits.get(hub, AGAIN_S)
        self._begin.pop(hub, None)
        self._log.info("checkpoint_not_cosigned", hub=hub, reason=why, retry_s=wait)
        self._due[hub] = self._clock.monotonic() + wait
        self._waits[hub] = min(2 * wait, LONGEST_S)


def _query(hub: str, text: str, sender: str, query_id: str) -> Element:
    return ask_witness(sender, f"{AGENTS}{hub}", query_id, text)


def _record(event: str, details: Mapping[str, str | int], now: datetime) -> Record:
    return Record(uuid4(), HUB_OWNER, event, "error", dict(details), now, "component")
