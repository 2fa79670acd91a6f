"""The ledger from one checkpoint to the next: the chain is walked and the tree grown before anything is signed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from policy.ledger import GENESIS, Fault, link
from policy.merkle import Frontier, Node, leaf_hash

STORED_LEVEL: Final = 8
"""Subtrees of 2^8 leaves and more are stored; smaller ones are made again from the records."""
TILE: Final = 1 << STORED_LEVEL
"""Leaves of the smallest stored subtree."""


class Growth:
    """Where the ledger stands. `nodes` are the subtrees to store that became whole on the way."""

    def __init__(self, size: int = 0, edge: Iterable[bytes] = (), hashed: bytes = GENESIS) -> None:
        self.tree = Frontier(size, edge)
        self.hash = hashed
        self.nodes: dict[Node, bytes] = {}

    def add(self, rows: Iterable[tuple[int, bytes, bytes]]) -> Fault | None:
        """The next records: number, bytes, chain hash. Returns the first that does not follow; then stop."""
        leaves: list[bytes] = []
        seq = self.tree.size
        for number, record, hashed in rows:
            seq += 1
            if number != seq:
                return Fault(seq, f"missing: the next record is {number}")
            if link(self.hash, number, record) != hashed:
                return Fault(seq, "its hash does not fit its content and the record before it")
            self.hash = hashed
            leaves.append(leaf_hash(record))
        self.tree.extend(leaves, self._keep)
        return None

    def _keep(self, node: Node, hashed: bytes) -> None:
        if node[0] >= STORED_LEVEL:
            self.nodes[node] = hashed
