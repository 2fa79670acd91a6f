"""The Merkle tree against the reference vectors of RFC 6962 (those of the certificate transparency projects)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.merkle import (
    EMPTY,
    Frontier,
    Node,
    consistency_ranges,
    edge,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    range_hash,
    verify_consistency,
    verify_inclusion,
)


def unhex(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


LEAVES = unhex(
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)  # fmt: skip
ROOTS = unhex(
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
_A, _B, _C = unhex(
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
_D, _E = unhex(
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
)
_F, _G = unhex(
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
)
INCLUSIONS: list[tuple[int, int, list[bytes]]] = [
    (0, 1, []),
    (0, 8, [_A, _B, _C]),
    (5, 8, [_D, _E, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], _B, _D]),
]
CONSISTENCIES: list[tuple[int, int, list[bytes]]] = [
    (1, 1, []),
    (1, 8, [_A, _B, _C]),
    (6, 8, [_F, _E, ROOTS[3]]),
    (2, 5, [_B, _D]),
    (6, 7, [_F, _G, ROOTS[3]]),
]


def tree(leaves: Sequence[bytes]) -> tuple[Frontier, dict[Node, bytes]]:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    nodes: dict[Node, bytes] = {(0, number): found for number, found in enumerate(hashes)}
    grown = Frontier()
    grown.extend(hashes, nodes.__setitem__)
    return grown, nodes


def plain_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, word for word."""
    if len(leaves) <= 1:
        return leaf_hash(leaves[0]) if leaves else sha256().digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


def test_the_roots_are_those_of_the_vectors() -> None:
    assert [tree(LEAVES[:size])[0].root() for size in range(1, 9)] == ROOTS
    assert (
        tree([])[0].root() == EMPTY == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    )


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSIONS)
def test_inclusion_proofs_are_those_of_the_vectors(index: int, size: int, proof: list[bytes]) -> None:
    _, nodes = tree(LEAVES)
    assert [range_hash(needed, nodes) for needed in inclusion_ranges(index, size)] == proof
    assert verify_inclusion(index, size, leaf_hash(LEAVES[index]), proof, ROOTS[size - 1])


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCIES)
def test_consistency_proofs_are_those_of_the_vectors(old: int, new: int, proof: list[bytes]) -> None:
    _, nodes = tree(LEAVES)
    assert [range_hash(needed, nodes) for needed in consistency_ranges(old, new)] == proof
    assert verify_consistency(old, new, proof, ROOTS[old - 1], ROOTS[new - 1])


def spoiled(proof: list[bytes]) -> list[list[bytes]]:
    """What a proof may not be taken for: longer, shorter, or with a bit of it changed."""
    extra = bytes(32)
    found = [[*proof, extra], [extra, *proof], [*proof, b""], [*proof, *proof[-1:], extra]]
    found += [proof[:-1], proof[1:]] if proof else []
    for at, step in enumerate(proof):
        found.append([*proof[:at], bytes([step[0] ^ 8]) + step[1:], *proof[at + 1 :]])
    return found


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSIONS)
def test_no_other_inclusion_passes(index: int, size: int, proof: list[bytes]) -> None:
    leaf, root = leaf_hash(LEAVES[index]), ROOTS[size - 1]
    assert not any(verify_inclusion(index, size, leaf, wrong, root) for wrong in spoiled(proof))
    for other in {-1, index - 1, index + 1, index ^ 2, size, 9} - {index}:
        assert not verify_inclusion(other, size, leaf, proof, root)
    for other in {0, size * 2, size // 2, size + 8} - {size}:
        assert not verify_inclusion(index, other, leaf, proof, root)
    assert not verify_inclusion(index, size, leaf_hash(b"other"), proof, root)
    assert not verify_inclusion(index, size, leaf, proof, EMPTY)


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCIES)
def test_no_other_consistency_passes(old: int, new: int, proof: list[bytes]) -> None:
    was, now = ROOTS[old - 1], ROOTS[new - 1]
    assert not any(verify_consistency(old, new, wrong, was, now) for wrong in spoiled(proof))
    if old != new:
        assert not verify_consistency(old, new, [], was, now)
        assert not verify_consistency(new, old, proof, now, was)
        assert not verify_consistency(old, new, proof, now, was)
    for other in {old - 1, old + 1, old ^ 2} - {old, 0}:
        assert not verify_consistency(other, new, proof, was, now)
    for other in {new * 2, new // 2} - {new, old}:
        assert not verify_consistency(old, other, proof, was, now)
    assert not verify_consistency(old, new, proof, EMPTY, now)
    assert not verify_consistency(old, new, proof, was, EMPTY)


def test_nothing_is_the_beginning_of_everything() -> None:
    assert verify_consistency(0, 8, [], EMPTY, ROOTS[7])
    assert not verify_consistency(0, 8, [], ROOTS[0], ROOTS[7])
    assert not verify_consistency(0, 8, [ROOTS[0]], EMPTY, ROOTS[7])


@given(st.integers(1, 300), st.data())
def test_every_proof_of_every_tree_holds(size: int, data: st.DataObject) -> None:
    leaves = [number.to_bytes(2) for number in range(size)]
    grown, nodes = tree(leaves)
    assert grown.root() == plain_root(leaves) == range_hash((0, size), nodes)
    assert grown.peaks == [nodes[node] for node in edge(size)]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    proof = [range_hash(needed, nodes) for needed in inclusion_ranges(index, size)]
    assert verify_inclusion(index, size, leaf_hash(leaves[index]), proof, grown.root())
    proof = [range_hash(needed, nodes) for needed in consistency_ranges(old, size)]
    assert verify_consistency(old, size, proof, plain_root(leaves[:old]), grown.root())


@given(st.integers(0, 200), st.integers(0, 200))
def test_an_edge_that_was_stored_goes_on_as_if_it_had_never_stopped(first: int, more: int) -> None:
    leaves = [number.to_bytes(2) for number in range(first + more)]
    begun, _ = tree(leaves[:first])
    again = Frontier(begun.size, begun.peaks)
    again.extend(leaf_hash(leaf) for leaf in leaves[first:])
    assert again.root() == tree(leaves)[0].root()
    assert begun.copy().root() == begun.root()


@pytest.mark.parametrize("wrong", [lambda: Frontier(3, [EMPTY]), lambda: Frontier(1, [b"short"])])
def test_an_edge_that_fits_no_size_is_refused(wrong: Callable[[], Frontier]) -> None:
    with pytest.raises(ValueError, match="has an edge of"):
        wrong()


def test_no_path_leads_to_a_leaf_that_is_not_there() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="is not in a tree"):
            inclusion_ranges(index, size)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="no proof leads"):
            consistency_ranges(old, new)
