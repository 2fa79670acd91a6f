"""A witness signs what goes on from what it has seen, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.merkle import Frontier, Node, consistency_ranges, leaf_hash, range_hash
from policy.notes import BadNote, Checkpoint, SignerKey, sign
from policy.witness import Asked, No, Refused, Seen, judge

ORIGIN = "a.example/ledger"
LOG = SignerKey(ORIGIN, bytes(range(32)))
OTHER = SignerKey(ORIGIN, bytes(32))
HONEST = [f"record {number}".encode() for number in range(40)]
REWRITTEN = [*HONEST[:5], b"something else", *HONEST[6:]]

# The example request of c2sp.org/tlog-witness, with one signature.
EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""  # noqa: E501


def root(records: Sequence[bytes], size: int) -> bytes:
    tree = Frontier()
    tree.extend(map(leaf_hash, records[:size]))
    return tree.root()


def proof(records: Sequence[bytes], old: int, new: int) -> tuple[bytes, ...]:
    nodes: dict[Node, bytes] = {(0, at): leaf_hash(record) for at, record in enumerate(records[:new])}
    tree = Frontier()
    tree.extend([nodes[0, at] for at in range(new)], nodes.__setitem__)
    return tuple(range_hash(part, nodes) for part in consistency_ranges(old, new)) if old else ()


def asked(old: int, new: int, records: Sequence[bytes] = HONEST, signer: SignerKey = LOG) -> Asked:
    note = sign(Checkpoint(ORIGIN, new, root(records, new)).text, [signer])
    return Asked(old, proof(records, old, new), note)


def seen(size: int, records: Sequence[bytes] = HONEST) -> Seen:
    return Seen(size, root(records, size))


def judged(request: Asked, before: Seen | None, origin: str = ORIGIN) -> Checkpoint | Refused:
    return judge(request, origin, [LOG.verifier], before)


def test_the_published_request_is_read_and_written() -> None:
    found = Asked.parse(EXAMPLE)
    assert (found.old, len(found.proof)) == (20852014, 4)
    assert found.encode() == EXAMPLE
    assert judge(found, "example.com/behind-the-sofa", [LOG.verifier], None) == Refused(No.NOT_SIGNED)


def test_a_log_is_seen_for_the_first_time_and_goes_on() -> None:
    first = judged(asked(0, 8), None)
    assert first == Checkpoint(ORIGIN, 8, root(HONEST, 8))
    assert judged(asked(8, 21), seen(8)) == Checkpoint(ORIGIN, 21, root(HONEST, 21))
    assert judged(asked(21, 21), seen(21)) == Checkpoint(ORIGIN, 21, root(HONEST, 21)), "once more, nothing new"


@given(st.integers(1, 40), st.integers(0, 39))
def test_what_goes_on_is_signed_whatever_its_size(new: int, less: int) -> None:
    old = max(0, new - less)
    assert isinstance(judged(asked(old, new), seen(old) if old else None), Checkpoint)


@given(st.integers(6, 40), st.integers(6, 40))
def test_what_was_rewritten_is_never_signed(one: int, two: int) -> None:
    old, new = min(one, two), max(one, two)
    assert judged(asked(old, new, REWRITTEN), seen(old)) == Refused(No.FORKED, old)


@pytest.mark.control
@given(st.integers(6, 40), st.integers(6, 40))
def test_control_a_witness_that_had_seen_nothing_signs_the_rewritten_tree(one: int, two: int) -> None:
    """What holds a hub to its history is that others remember it."""
    old, new = min(one, two), max(one, two)
    assert isinstance(judged(asked(old, new, REWRITTEN), seen(old, REWRITTEN)), Checkpoint)
    assert isinstance(judged(asked(0, new, REWRITTEN), None), Checkpoint)


def test_a_proof_of_the_honest_tree_does_not_carry_the_rewritten_one() -> None:
    false = Asked(8, proof(HONEST, 8, 21), asked(8, 21, REWRITTEN).note)
    assert judged(false, seen(8)) == Refused(No.FORKED, 8)


@given(st.randoms(use_true_random=False))
def test_no_made_up_proof_carries_it(random: Random) -> None:
    steps = tuple(random.randbytes(32) for _ in range(random.randrange(8)))
    false = Asked(8, steps, asked(8, 21, REWRITTEN).note)
    assert judged(false, seen(8)) == Refused(No.FORKED, 8)


def test_a_shorter_tree_is_never_signed() -> None:
    assert judged(asked(0, 8), seen(21)) == Refused(No.OTHER_SIZE, 21)
    assert judged(asked(8, 20), seen(21)) == Refused(No.OTHER_SIZE, 21)
    assert judged(Asked(21, (), asked(0, 8).note), seen(21)) == Refused(No.MALFORMED, 21)


def test_it_goes_on_from_what_was_seen_and_from_nothing_else() -> None:
    assert judged(asked(8, 30), seen(21)) == Refused(No.OTHER_SIZE, 21)
    assert judged(asked(8, 30), None) == Refused(No.OTHER_SIZE, 0)


def test_another_tree_of_the_same_size_is_a_fork() -> None:
    assert judged(Asked(21, (), asked(0, 21, REWRITTEN).note), seen(21)) == Refused(No.FORKED, 21)


def test_what_the_logs_key_did_not_sign_is_not_signed() -> None:
    assert judged(asked(8, 21, signer=OTHER), seen(8)) == Refused(No.NOT_SIGNED, 8)


@pytest.mark.control
def test_control_with_that_key_it_is() -> None:
    found = judge(asked(8, 21, signer=OTHER), ORIGIN, [OTHER.verifier], seen(8))
    assert isinstance(found, Checkpoint)


def test_a_peer_shows_its_own_log_and_no_other() -> None:
    assert judged(asked(0, 8), None, "b.example/ledger") == Refused(No.UNKNOWN_LOG)


@pytest.mark.parametrize(
    "text",
    ["", "old\n\n", "old -1\n\nx", "old 01\n\nx", "old 1\nAAAA\n\nx", "old 1\n!\n\nx", "new 1\n\nx",
     "old 1\n" + ("A" * 43 + "=\n") * 64 + "\nx", "old 99999999999999999999\n\nx"],
)  # fmt: skip
def test_a_request_in_no_order_is_not_read(text: str) -> None:
    with pytest.raises(BadNote):
        Asked.parse(text)


def test_what_is_no_checkpoint_is_refused() -> None:
    assert judged(Asked(0, (), "hello"), None) == Refused(No.MALFORMED)
    assert judged(Asked(0, (), sign("a.example/ledger\n8\n", [LOG])), None) == Refused(No.MALFORMED)


def test_a_first_tree_comes_without_a_proof() -> None:
    assert judged(Asked(0, (bytes(32),), asked(0, 8).note), None) == Refused(No.FORKED)
