"""What a check of an exported ledger knows beforehand, which steps it takes, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from policy.cosignatures import WitnessKey
from policy.notes import Checkpoint, VerifierKey


@dataclass(frozen=True, slots=True)
class Guards:
    """Which steps of the check are taken. All, but in tests."""

    sequence: bool = True
    chain: bool = True
    leaves: bool = True
    roots: bool = True
    signatures: bool = True
    ending: bool = True
    witnesses: bool = True


@dataclass(frozen=True, slots=True)
class Verified:
    """The file holds. `pinned` says whether its keys were known beforehand or taken from the file itself."""

    kind: str
    origin: str
    records: int
    to: int
    root: bytes
    keys: tuple[VerifierKey, ...]
    pinned: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the reader knows beforehand: keys (empty: those in the file are believed), a checkpoint seen earlier, and
    witnesses, each of which must have co-signed what is to be proven.
    """

    keys: tuple[VerifierKey, ...] = ()
    checkpoint: Checkpoint | None = None
    witnesses: tuple[WitnessKey, ...] = ()
