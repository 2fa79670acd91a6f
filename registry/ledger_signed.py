"""The tree of the records in the database, compared with what was signed and with what is stored of it."""

from __future__ import annotations

from collections.abc import Sequence

from policy.growth import STORED_LEVEL
from policy.ledger import Fault, Row
from policy.merkle import Frontier, Node, leaf_hash
from policy.notes import BadNote, Checkpoint, VerifierKey, open_note
from registry.checkpoints import StoredCheckpoint, Where, between, last_segment, list_keys, newest
from registry.ledger_tree import LedgerTree


class SignedTree:
    """Grows with the records. `signed` is how many of them the newest checkpoint covers."""

    def __init__(self, where: Where, tree: Frontier, signed: int) -> None:
        self._where = where
        self._tree = tree
        self._whole: dict[Node, bytes] = {}
        self.signed = signed

    @classmethod
    async def begin(cls, where: Where) -> SignedTree:
        """Where the ledger in the database begins."""
        end, first = await newest(where), (await last_segment(where)).last_seq
        return cls(where, Frontier(first, await LedgerTree(where, first).edge(first)), end.size if end else 0)

    async def grow(self, page: Sequence[Row]) -> Fault | None:
        """Takes the next records in. Returns the fault of a checkpoint on the way, or of a stored part of the tree."""
        if not page:
            return None
        signed = await between(self._where, page[0].seq - 1, page[-1].seq)
        keys = [stored.key for stored in await list_keys(self._where)]
        for row in page:
            self._tree.extend([leaf_hash(row.record)], self._keep)
            fault = self._compare(signed[row.seq], keys) if row.seq in signed else None
            if fault is not None:
                return fault
        return await self._compare_stored()

    def _keep(self, node: Node, hashed: bytes) -> None:
        level, number = node
        if level >= STORED_LEVEL and (number + 1) << level <= self.signed:
            self._whole[node] = hashed

    def _compare(self, stored: StoredCheckpoint, keys: Sequence[VerifierKey]) -> Fault | None:
        try:
            found = Checkpoint.parse(open_note(stored.note, keys)[0])
        except BadNote as bad:
            return Fault(stored.size, f"the checkpoint behind it proves nothing: {bad}")
        if (found.size, found.root) != (self._tree.size, self._tree.root()):
            return Fault(stored.size, "up to it the records are not those that were signed")
        return None

    async def _compare_stored(self) -> Fault | None:
        """A stored part that is another one would make proofs that nobody can follow."""
        stored = await LedgerTree(self._where, self.signed).stored(list(self._whole))
        for (level, number), hashed in self._whole.items():
            if stored.get((level, number)) != hashed:
                first, last = (number << level) + 1, (number + 1) << level
                return Fault(first, f"the stored part of the tree over records {first} to {last} is another one")
        self._whole.clear()
        return None
