"""The orchestrator's task that signs the ledger, with its clock and its keys in the test's hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest.mock import MagicMock
from uuid import uuid4

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import parse_keys
from aiox.runtime.postgres import Pool
from orchestrator.checkpoints import Checkpoints
from policy.ledger import Record
from policy.notes import SignerKey, VerifierKey
from registry import checkpoints, ledger
from tests.stores import NOW, Stores

ORIGIN = "localhost/ledger"


@dataclass
class HandClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Signer:
    """It goes on from the newest checkpoint of this database. `seeds` are those of the home, or a test's own."""

    stores: Stores
    seeds: dict[int, bytes] = field(default_factory=dict)
    clock: HandClock = field(default_factory=HandClock)

    @classmethod
    async def of(cls, stores: Stores) -> Signer:
        """With the keys of this home, and a clock behind the last signature."""
        made = cls(stores, parse_keys(stores.home.secrets("orchestrator").read("ledger_keys")))
        last = await checkpoints.newest(made.pool)
        made.clock.at = last.created_at if last else NOW
        return made

    @property
    def pool(self) -> Pool:
        return self.stores.pools["orchestrator"]

    def key(self, number: int = 1) -> VerifierKey:
        return SignerKey(ORIGIN, self.seeds[number]).verifier

    async def sign(self) -> int:
        """A round a minute later. Returns how many records are signed."""
        self.clock.at += timedelta(minutes=1)
        ring = "\n".join(f"{number}:{seed.hex()}" for number, seed in self.seeds.items())
        return await Checkpoints(self.pool, ORIGIN, lambda: ring, self.clock, MagicMock(), 30).sign_next()

    async def append(self, owner: OwnerId, count: int) -> None:
        rows = [Record(uuid4(), owner, "test", "info", {"n": number}, NOW, "ada@localhost") for number in range(count)]
        await ledger.append(self.stores.pools["gateway"], rows)
