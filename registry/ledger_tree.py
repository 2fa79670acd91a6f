"""Proofs from the ledger's Merkle tree: subtrees of 256 leaves and more are stored, smaller ones made from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.growth import STORED_LEVEL, TILE
from policy.merkle import Frontier, Node, Range, consistency_ranges, edge, inclusion_ranges, range_hash, subtrees
from registry.checkpoints import Where


class NotInTheTree(Exception):
    """A record or a checkpoint that the database does not hold: sealed into a file, or not signed yet."""


class LedgerTree:
    """The tree of one checkpoint. What was read is kept, so that the proofs of neighbours cost little."""

    def __init__(self, where: Where, size: int) -> None:
        self._where = where
        self._size = size
        self._nodes: dict[Node, bytes] = {}

    async def inclusion(self, indexes: Sequence[int]) -> list[list[bytes]]:
        """A proof for each of these leaves. Raises NotInTheTree."""
        paths = [inclusion_ranges(index, self._size) for index in indexes]
        await self._load(part for path in paths for part in path)
        return [self._hashes(path) for path in paths]

    async def consistency(self, old: int) -> list[bytes]:
        """The proof that the tree of `old` leaves is the beginning of this one. Raises NotInTheTree."""
        if not 0 < old <= self._size:
            raise NotInTheTree(f"no checkpoint of {old} records lies before the one of {self._size}")
        path = consistency_ranges(old, self._size)
        await self._load(path)
        return self._hashes(path)

    async def edge(self, size: int) -> tuple[bytes, ...]:
        """The peaks of the tree of the first `size` leaves, which is a multiple of 256. Raises NotInTheTree."""
        await self._load([(0, size)] if size else [])
        return tuple(self._nodes[node] for node in edge(size))

    def forget(self) -> None:
        """Lets go of what was read."""
        self._nodes.clear()

    def _hashes(self, path: Sequence[Range]) -> list[bytes]:
        return [range_hash(part, self._nodes) for part in path]

    async def _load(self, ranges: Iterable[Range]) -> None:
        needed = {node for part in ranges for node in subtrees(part)} - self._nodes.keys()
        self._nodes |= await self.stored([node for node in needed if node[0] >= STORED_LEVEL])
        for tile in sorted({(number << level) // TILE for level, number in needed if level < STORED_LEVEL}):
            await self._load_tile(tile)
        missing = needed - self._nodes.keys()
        if missing:
            raise NotInTheTree(
                f"{len(missing)} parts of the tree are not in the database; were they sealed into a file?"
            )

    async def stored(self, nodes: Sequence[Node]) -> dict[Node, bytes]:
        """Those of these subtrees, of 256 leaves and more, that the database holds."""
        rows = await self._where.fetch(
            "SELECT level, number, hash FROM ledger_nodes"
            " JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, number) USING (level, number)",
            [level for level, _ in nodes],
            [number for _, number in nodes],
        )
        return {(row["level"], row["number"]): bytes(row["hash"]) for row in rows}

    async def _load_tile(self, tile: int) -> None:
        first = tile * TILE
        rows = await self._where.fetch("SELECT leaf FROM ledger_leaves($1, $2)", first, min(first + TILE, self._size))
        leaves = [bytes(row["leaf"]) for row in rows]
        self._nodes |= {(0, first + number): leaf for number, leaf in enumerate(leaves)}

        def keep(node: Node, hashed: bytes) -> None:
            level, number = node
            self._nodes[level, (first >> level) + number] = hashed

        Frontier().extend(leaves, keep)
