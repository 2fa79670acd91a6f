"""Between two checkpoints: the tree goes on from its edge, and a record that does not follow stops it."""

from __future__ import annotations

import pytest

from policy.growth import STORED_LEVEL, TILE, Growth
from policy.ledger import GENESIS, Fault, link
from policy.merkle import Frontier, Node, leaf_hash


def rows(count: int) -> list[tuple[int, bytes, bytes]]:
    found, hashed = [], GENESIS
    for seq in range(1, count + 1):
        record = b"record %d" % seq
        hashed = link(hashed, seq, record)
        found.append((seq, record, hashed))
    return found


ROWS = rows(1100)


@pytest.mark.parametrize("cuts", [[1100], [1, 256, 257, 1023, 1100], [255, 511, 512, 1024, 1100]])
def test_in_steps_it_is_the_same_tree_as_at_once(cuts: list[int]) -> None:
    whole = Frontier()
    nodes: dict[Node, bytes] = {}
    whole.extend([leaf_hash(record) for _, record, _ in ROWS], nodes.__setitem__)
    grown, kept, done = Growth(), dict[Node, bytes](), 0
    for cut in cuts:
        grown = Growth(grown.tree.size, grown.tree.peaks, grown.hash)
        assert grown.add(ROWS[done:cut]) is None
        kept |= grown.nodes
        done = cut
    assert grown.tree.root() == whole.root()
    assert grown.hash == ROWS[-1][2]
    assert kept == {node: hashed for node, hashed in nodes.items() if node[0] >= STORED_LEVEL}
    assert len(kept) == 1100 // TILE + 2 + 1


def test_what_does_not_follow_is_named_and_nothing_of_it_grows() -> None:
    changed = [*ROWS[:9], (10, b"another", ROWS[9][2]), *ROWS[10:]]
    assert Growth().add(changed) == Fault(10, "its hash does not fit its content and the record before it")
    assert Growth().add([*ROWS[:9], *ROWS[10:]]) == Fault(10, "missing: the next record is 11")
    grown = Growth()
    grown.add(changed)
    assert grown.tree.size == 0
