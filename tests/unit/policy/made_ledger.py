"""A ledger made in memory: as the hub would have written and signed it, with a checkpoint every so often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiox.kernel.canonical import Json
from aiox.kernel.ids import HUB_OWNER, OwnerId
from policy.exports import Head, checkpoint_line, own_line, row_line
from policy.ledger import GENESIS, Record, link
from policy.merkle import Frontier, Node, inclusion_ranges, leaf_hash, range_hash
from policy.notes import Checkpoint, SignerKey, VerifierKey, sign

ORIGIN = "hub.example/ledger"
SIGNER = SignerKey(ORIGIN, bytes(range(32)))
NEXT_SIGNER = SignerKey(ORIGIN, bytes(range(1, 33)))
ADA, EVE = OwnerId(UUID(int=10)), OwnerId(UUID(int=11))
_BEGAN = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


@dataclass(frozen=True)
class Made:
    """Its records, and after how many of them it was signed, by whom."""

    records: tuple[bytes, ...]
    signed: tuple[tuple[int, tuple[SignerKey, ...]], ...]
    keys: tuple[VerifierKey, ...] = field(default=(SIGNER.verifier,))

    def lines(self, after: int = 0) -> list[bytes]:
        """The lines of a whole export, from the record behind `after`."""
        tree, hashed, lines = Frontier(), GENESIS, list[bytes]()
        notes = dict(self.signed)
        for seq, record in enumerate(self.records, start=1):
            hashed, leaf = link(hashed, seq, record), leaf_hash(record)
            tree.extend([leaf])
            if seq == after:
                begun = (tuple(tree.peaks), hashed)
            if seq > after:
                lines.append(row_line(seq, hashed, leaf, record))
                if seq in notes:
                    lines.append(checkpoint_line(sign(Checkpoint(ORIGIN, seq, tree.root()).text, notes[seq])))
        head = Head("whole", ORIGIN, len(self.records), self.keys)
        if after:
            head = replace(head, after=after, edge=begun[0], after_hash=begun[1])
        return [head.encode(), *lines]

    def own(self, owner: OwnerId) -> list[bytes]:
        """The lines of one owner's export, under the last checkpoint."""
        size, signers = self.signed[-1]
        nodes: dict[Node, bytes] = {(0, at): leaf_hash(record) for at, record in enumerate(self.records[:size])}
        tree = Frontier()
        tree.extend([nodes[0, at] for at in range(size)], nodes.__setitem__)
        mine = [
            own_line(at + 1, [range_hash(part, nodes) for part in inclusion_ranges(at, size)], record)
            for at, record in enumerate(self.records[:size])
            if f'"owner_user_id":"{owner}"'.encode() in record
        ]
        head = Head("own", ORIGIN, size, self.keys, owner=owner, rows=len(mine))
        note = sign(Checkpoint(ORIGIN, size, tree.root()).text, signers)
        return [head.encode(), checkpoint_line(note), *mine]

    def checkpoint(self, size: int) -> Checkpoint:
        """The tree head after so many records."""
        return Checkpoint(ORIGIN, size, _root(self.records[:size]))


def _root(records: Sequence[bytes]) -> bytes:
    tree = Frontier()
    tree.extend(map(leaf_hash, records))
    return tree.root()


def record(number: int, event: str = "gate.decision", owner: OwnerId | None = None, **details: Json) -> bytes:
    """One record's canonical bytes, two owners in turn."""
    return Record(
        id=UUID(int=number),
        owner=owner or (ADA, EVE)[number % 2],
        event_type=event,
        severity="info",
        details=details or {"action": "agent.invoke", "decision": "allow", "number": number},
        created_at=_BEGAN + timedelta(seconds=number),
        actor="ada@hub.example",
        correlation_id=UUID(int=number + 1000),
    ).encode()


def made(length: int, every: int = 16) -> Made:
    """`length` records, signed after each `every` of them and at the end."""
    ends = sorted({*range(every, length + 1, every), length})
    return Made(tuple(record(number) for number in range(1, length + 1)), tuple((end, (SIGNER,)) for end in ends))


def rotated() -> Made:
    """Twelve records: signed by the old key, by both, and at last by the new key, which the ledger introduced."""
    records = [record(number) for number in range(1, 13)]
    records[4] = record(5, "ledger.key_added", HUB_OWNER, key=str(NEXT_SIGNER.verifier))
    signed = ((4, (SIGNER,)), (8, (SIGNER, NEXT_SIGNER)), (12, (NEXT_SIGNER,)))
    return Made(tuple(records), signed, (SIGNER.verifier, NEXT_SIGNER.verifier))
