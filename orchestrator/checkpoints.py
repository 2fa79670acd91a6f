"""Signs the ledger: at most a minute apart while records arrive, by one orchestrator after the other.

Before anything is signed the chain is walked from the last checkpoint on, and that one is opened again: a ledger that
was changed past the hub is not signed, and the gauge of the last good signature stands still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from prometheus_client import Gauge

from aiox.kernel.canonical import Json
from aiox.kernel.ids import HUB_OWNER, derived_id
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import parse_keys
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.runtime.secrets import SecretMissing
from policy.audit import KEY_ADDED
from policy.growth import Growth
from policy.ledger import Fault, Record
from policy.notes import BadNote, Checkpoint, SignerKey, VerifierKey, open_checkpoint, sign
from registry import checkpoints, ledger
from registry.checkpoints import StoredCheckpoint, StoredKey

KEY_RETIRED: Final = "ledger.key_retired"
SIGNED_AT: Final = Gauge(
    "aiox_ledger_checked_timestamp_seconds",
    "When the ledger was last found whole and signed to its end, in seconds since 1970",
)
_PART: Final = 0.9
"""Of the interval: a checkpoint that is younger than this was signed by another orchestrator, and is enough."""

Signers = Mapping[int, SignerKey]
"""Keys that sign now, by number: all of them sign every checkpoint, so that a reader of the old one has time."""


class NotSigned(Exception):
    """The ledger is not as it was signed, so it is not signed again. The message names the record."""


def signers_of(secret: str, origin: str) -> Signers:
    """Reads `number:seed in hex` lines. Raises ValueError."""
    return {number: SignerKey(origin, seed) for number, seed in parse_keys(secret).items()}


class Checkpoints:
    """`read_keys` gives the keys as they are now; `every_s` is the time between two checkpoints, in seconds."""

    def __init__(
        self, pool: Pool, origin: str, read_keys: Callable[[], str], clock: Clock, log: Log, every_s: float
    ) -> None:
        self._pool = pool
        self._origin = origin
        self._read_keys = read_keys
        self._clock = clock
        self._log = log
        self._every_s = every_s

    async def run(self) -> None:
        """Signs until cancelled. Whatever keeps it from signing is said each time."""
        while True:
            try:
                await self.sign_next()
            except StoreTrouble as away:
                self._log.warning("checkpoint_waits", error=repr(away))
            except (NotSigned, SecretMissing, ValueError) as refused:
                self._log.error("checkpoint_refused", reason=str(refused))
            await asyncio.sleep(self._every_s)

    async def sign_next(self) -> int:
        """One round. Returns how many records are signed now.

        Raises NotSigned, SecretMissing, ValueError for bad keys, and what PostgreSQL raised.
        """
        last = await checkpoints.newest(self._pool)
        if last is not None and 0 <= (self._clock.now() - last.created_at).total_seconds() < self._every_s * _PART:
            return last.size
        signers = signers_of(self._read_keys(), self._origin)
        await self._publish(signers)
        grown = await self._grow(last)
        if last is None or grown.tree.size > last.size:
            await self._store(last, grown, list(signers.values()))
        SIGNED_AT.set(self._clock.now().timestamp())
        return grown.tree.size

    async def _grow(self, last: StoredCheckpoint | None) -> Growth:
        """The ledger from the last checkpoint to its end."""
        grown = Growth()
        if last is not None:
            grown = Growth(last.size, last.edge, last.hash)
            self._reopen(last, grown, [stored.key for stored in await checkpoints.list_keys(self._pool)])
        async for page in ledger.records(self._pool, grown.tree.size):
            fault = grown.add(page)
            if isinstance(fault, Fault):
                raise NotSigned(f"record {fault.seq} of the ledger is bad: {fault.what}")
        return grown

    def _reopen(self, last: StoredCheckpoint, grown: Growth, keys: Sequence[VerifierKey]) -> None:
        try:
            signed = open_checkpoint(last.note, keys, self._origin)
        except BadNote as bad:
            raise NotSigned(f"the checkpoint of {last.size} records proves nothing: {bad}") from None
        if signed != Checkpoint(self._origin, grown.tree.size, grown.tree.root()):
            raise NotSigned(f"the tree of the first {last.size} records is not the one that was signed")

    async def _store(self, last: StoredCheckpoint | None, grown: Growth, signers: Sequence[SignerKey]) -> None:
        note = sign(Checkpoint(self._origin, grown.tree.size, grown.tree.root()).text, signers)
        previous = last.size if last else 0
        if await checkpoints.store(self._pool, previous, grown, note, self._clock.now()):
            self._log.info("checkpoint_signed", size=grown.tree.size, records=grown.tree.size - previous)

    async def _publish(self, signers: Signers) -> None:
        """What is new is on record before it signs for the first time; what is gone is on record as retired."""
        known = {stored.number: stored for stored in await checkpoints.list_keys(self._pool)}
        for number, signer in signers.items():
            if number not in known:
                record = self._record(KEY_ADDED, number, signer.verifier)
                await checkpoints.add_key(self._pool, number, signer.verifier, self._clock.now(), record)
            elif known[number].key != signer.verifier:
                raise ValueError(f"signing key {number} is another one than the hub has published under this number")
        for stored in known.values():
            await self._retire(stored, signers)

    async def _retire(self, stored: StoredKey, signers: Signers) -> None:
        if stored.number not in signers and stored.retired_at is None:
            record = self._record(KEY_RETIRED, stored.number, stored.key)
            await checkpoints.retire_key(self._pool, stored.number, self._clock.now(), record)

    def _record(self, event: str, number: int, key: VerifierKey) -> Record:
        details: dict[str, Json] = {"number": number, "key": str(key)}
        return Record(
            id=derived_id(HUB_OWNER, f"{event} {key}"),
            owner=HUB_OWNER,
            event_type=event,
            severity="warning",
            details=details,
            created_at=self._clock.now(),
            actor="orchestrator",
        )
