"""The Merkle tree of RFC 6962 over the ledger's records: roots, inclusion and consistency proofs, and their checks.

A leaf is hashed with a 0x00 before it, a pair of nodes with a 0x01 (section 2.1). A complete subtree is named by its
level (0: a leaf) and its number from the left on that level. Leaves are counted from 0: record `seq` is leaf `seq - 1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

EMPTY: Final = sha256(b"").digest()
"""The root of a tree without leaves."""

Node: TypeAlias = tuple[int, int]
"""Level and number of a complete subtree."""
Range: TypeAlias = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a pair of nodes."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to add leaves and to know the root, log2(size) hashes in all.

    `peaks` are the hashes of the complete subtrees that make up the tree, the largest first.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count() or any(len(peak) != 32 for peak in self.peaks):
            raise ValueError(f"a tree of {size} leaves has an edge of {size.bit_count()} hashes of 32 bytes")

    def extend(self, leaves: Iterable[bytes], completed: Callable[[Node, bytes], None] | None = None) -> None:
        """Adds leaf hashes at the right. `completed` is told each subtree of two leaves and more that became whole."""
        peaks, size = self.peaks, self.size
        for leaf in leaves:
            node, ones, level = leaf, size, 0
            while ones & 1:
                node = sha256(b"\x01" + peaks.pop() + node).digest()
                ones >>= 1
                level += 1
                if completed is not None:
                    completed((level, size >> level), node)
            peaks.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The tree's root as it stands."""
        return _fold(self.peaks) if self.peaks else EMPTY

    def copy(self) -> Frontier:
        """An edge of its own, to go on from here twice."""
        return Frontier(self.size, self.peaks)


def subtrees(leaves: Range) -> list[Node]:
    """The complete subtrees that cover an aligned range, left to right."""
    first, end = leaves
    found = []
    while first < end:
        level = (end - first).bit_length() - 1
        found.append((level, first >> level))
        first += 1 << level
    return found


def edge(size: int) -> list[Node]:
    """The subtrees whose hashes are the peaks of a tree of `size` leaves."""
    return subtrees((0, size))


def range_hash(leaves: Range, nodes: Mapping[Node, bytes]) -> bytes:
    """The hash over an aligned range from its complete subtrees. Raises KeyError when one is not in `nodes`."""
    return _fold([nodes[node] for node in subtrees(leaves)])


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """PATH of RFC 6962 2.1.1: the ranges whose hashes prove leaf `index` in a tree of `size`. Raises ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    found: list[Range] = []
    first, end = 0, size
    while end - first > 1:
        split = first + _split(end - first)
        if index < split:
            found.append((split, end))
            end = split
        else:
            found.append((first, split))
            first = split
    return found[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """PROOF of RFC 6962 2.1.2: ranges that prove the tree of `old` leaves in that of `new`. Raises ValueError."""
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from {old} to {new} leaves")
    found: list[Range] = []
    first, end, whole = 0, new, True
    while old < end:
        split = first + _split(end - first)
        if old <= split:
            found.append((split, end))
            end = split
        else:
            found.append((first, split))
            first, whole = split, False
    if not whole:
        found.append((first, end))
    return found[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from this leaf hash at this place to the root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 9162 2.1.4.2)."""
    if old == new or old == 0:
        return not proof and 0 <= old <= new and (old_root == new_root if old == new else old_root == EMPTY)
    if not 0 < old < new or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    here, last = old - 1, new - 1
    while here & 1:
        here >>= 1
        last >>= 1
    was = now = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            was, now = node_hash(step, was), node_hash(step, now)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            now = node_hash(now, step)
        here >>= 1
        last >>= 1
    return last == 0 and was == old_root and now == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _fold(hashes: Sequence[bytes]) -> bytes:
    found = hashes[-1]
    for left in hashes[-2::-1]:
        found = node_hash(left, found)
    return found
