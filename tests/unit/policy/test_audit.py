"""An exported ledger is checked from the file alone: what holds, what is found, and which record is named."""

from __future__ import annotations

import time
from random import Random

import pytest

from aiox.kernel.ids import HUB_OWNER
from policy.audit import verify_export
from policy.exports import Head, NotAnExport, checkpoint_line, csv_head, from_csv, to_csv
from policy.findings import Guards, Known, Verified
from policy.ledger import Fault
from policy.notes import sign
from setup.prove import note
from tests.unit.policy.made_ledger import ADA, NEXT_SIGNER, SIGNER, Made, made, record, rotated
from tests.unit.policy.mutations import FORGER, KINDS, Falsified

LENGTH, EVERY = 240, 16
LEDGER = made(LENGTH, EVERY)
LINES = LEDGER.lines()
PINNED = Known((SIGNER.verifier,), LEDGER.checkpoint(LENGTH))

NO_CONTENT = Guards(chain=False, leaves=False, roots=False)
NO_PLACES = Guards(sequence=False, chain=False, leaves=False, roots=False, ending=False)
TAKEN_OUT: dict[str, tuple[Guards, Known]] = {
    "edit": (NO_CONTENT, Known((SIGNER.verifier,))),
    "delete": (NO_PLACES, Known((SIGNER.verifier,))),
    "insert": (NO_PLACES, Known((SIGNER.verifier,))),
    "swap": (NO_PLACES, Known((SIGNER.verifier,))),
    "renumber": (NO_PLACES, Known((SIGNER.verifier,))),
    "rehash": (Guards(leaves=False, roots=False), Known((SIGNER.verifier,))),
    "rebuild": (Guards(roots=False), Known((SIGNER.verifier,))),
    "resign": (Guards(), Known()),
    "cut": (Guards(), Known((SIGNER.verifier,))),
    "tail": (Guards(ending=False), Known((SIGNER.verifier,))),
}
"""For each kind what it passes without: guards, or a key or a checkpoint that the reader knows."""


def test_an_untouched_export_holds() -> None:
    found = verify_export(LINES, PINNED)
    assert found == Verified(
        "whole", "hub.example/ledger", LENGTH, LENGTH, LEDGER.checkpoint(LENGTH).root, (SIGNER.verifier,), True
    )


def test_a_part_that_begins_later_holds_by_the_edge_of_the_tree_before_it() -> None:
    for after in (1, EVERY, 100, LENGTH - 1):
        found = verify_export(LEDGER.lines(after), PINNED)
        assert isinstance(found, Verified), found
        assert (found.records, found.to) == (LENGTH - after, LENGTH)


def test_a_false_edge_is_found() -> None:
    lines = LEDGER.lines(100)
    head = Head.parse(lines[0])
    false = Head(head.kind, head.origin, head.to, head.keys, 100, head.after_hash, (bytes(32), *head.edge[1:]))
    found = verify_export([false.encode(), *lines[1:]], PINNED)
    assert isinstance(found, Fault)
    assert found.seq == 101


def named(falsified: Falsified, found: Verified | Fault) -> bool:
    """The first bad record is named; where only a root can tell, the first one that nothing proves any more."""
    if not isinstance(found, Fault):
        return False
    return found.seq == (falsified.doubt_from or falsified.first)


def falsify(count: int, seed: int) -> dict[str, int]:
    chance, tried = Random(seed), dict.fromkeys(KINDS, 0)
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        falsified = KINDS[kind](LINES, chance)
        found = verify_export(falsified.lines, PINNED)
        assert named(falsified, found), f"{kind} (seed {seed}, number {number}): {falsified.first} {found}"
        tried[kind] += 1
    return tried


def test_500_falsified_exports_are_found_and_the_first_bad_record_is_named() -> None:
    assert min(falsify(500, 7).values()) >= 45


@pytest.mark.prove
def test_10_000_falsified_exports_are_found_and_the_first_bad_record_is_named() -> None:
    seed = Random().randrange(1 << 32)
    tried = falsify(10_000, seed)
    assert sum(tried.values()) == 10_000
    note(f"10,000 falsified exports, seed {seed}: all found, the first bad record named")


@pytest.mark.control
@pytest.mark.parametrize("kind", TAKEN_OUT)
def test_without_the_step_that_is_for_it_it_passes(kind: str) -> None:
    guards, known = TAKEN_OUT[kind]
    for seed in range(20):
        falsified = KINDS[kind](LINES, Random(seed))
        found = verify_export(falsified.lines, known, guards)
        assert isinstance(found, Verified), f"{kind} (seed {seed}): {found}"


@pytest.mark.control
def test_every_kind_has_its_control() -> None:
    assert set(KINDS) - set(TAKEN_OUT) == {"flip"}  # a flipped byte may fall on any of the others


def test_what_was_signed_with_another_key_proves_nothing() -> None:
    forged = Made(LEDGER.records, tuple((end, (FORGER,)) for end, _ in LEDGER.signed), (SIGNER.verifier,))
    found = verify_export(forged.lines(), PINNED)
    assert found == Fault(
        1, "the checkpoint behind record 16 proves nothing: it is signed by no key that is trusted here"
    )


def test_a_new_key_is_trusted_once_a_trusted_one_has_signed_for_it() -> None:
    ledger = rotated()
    assert isinstance(verify_export(ledger.lines(), Known((SIGNER.verifier,))), Verified)
    assert isinstance(verify_export(ledger.lines(8), Known((NEXT_SIGNER.verifier,))), Verified)
    without = Made((*ledger.records[:4], LEDGER.records[4], *ledger.records[5:]), ledger.signed, ledger.keys)
    found = verify_export(without.lines(), Known((SIGNER.verifier,)))
    assert isinstance(found, Fault)
    assert found.seq == 9


def test_a_key_that_an_owner_put_on_record_is_not_trusted() -> None:
    ledger = rotated()
    owners = record(5, "ledger.key_added", ADA, key=str(NEXT_SIGNER.verifier))
    without = Made((*ledger.records[:4], owners, *ledger.records[5:]), ledger.signed, ledger.keys)
    found = verify_export(without.lines(), Known((SIGNER.verifier,)))
    assert isinstance(found, Fault)
    assert found.seq == 9


def test_an_older_known_checkpoint_must_lie_in_the_same_ledger() -> None:
    other = Made((LEDGER.records[1], *LEDGER.records[1:]), LEDGER.signed)
    for size in (1, 5, 100, LENGTH):
        known = Known((SIGNER.verifier,), LEDGER.checkpoint(size))
        assert isinstance(verify_export(LINES, known), Verified)
        found = verify_export(other.lines(), known)
        assert isinstance(found, Fault)
        assert found.seq <= size
    with pytest.raises(NotAnExport, match="lies before"):
        verify_export(LEDGER.lines(100), Known((), LEDGER.checkpoint(5)))


def test_records_behind_the_last_checkpoint_are_not_believed() -> None:
    unsigned = Made(LEDGER.records, LEDGER.signed[:-1])
    found = verify_export(unsigned.lines(), Known((SIGNER.verifier,)))
    assert found == Fault(225, "no checkpoint of the file proves it")


def test_the_csv_form_holds_and_its_cells_must_say_what_the_record_says() -> None:
    lines = [csv_head().decode(), *(to_csv(line).decode() for line in LINES)]
    assert list(from_csv(lines)) == LINES
    falsified = lines[:]
    falsified[5] = falsified[5].replace('"info"', '"warning"', 1)
    found = verify_export(from_csv(falsified), PINNED)
    assert isinstance(found, Fault)
    assert found.seq == 4


@pytest.mark.parametrize("first", [b"", b"no json\n", b"[]\n", b'{"aiox_ledger":2}\n', LINES[1]])
def test_what_is_no_export_is_refused(first: bytes) -> None:
    with pytest.raises(NotAnExport):
        verify_export([first, *LINES[1:]], PINNED)


def test_a_damaged_key_on_record_is_named() -> None:
    ledger = Made((record(1), record(2, "ledger.key_added", HUB_OWNER, key="nonsense")), ((2, (SIGNER,)),))
    assert verify_export(ledger.lines(), PINNED) == Fault(2, "the key that it introduces is damaged")


def test_a_checkpoint_of_something_else_is_named() -> None:
    lines = list(LINES)
    at = next(number for number, line in enumerate(lines) if line.startswith(b'{"checkpoint"'))
    lines[at] = checkpoint_line(sign(LEDGER.checkpoint(EVERY - 1).text, [SIGNER]))
    found = verify_export(lines, PINNED)
    assert isinstance(found, Fault)
    assert found.seq == EVERY
    lines[at] = b'{"other":1}\n'
    found = verify_export(lines, PINNED)
    assert isinstance(found, Fault)
    assert found.seq == EVERY + 1


@pytest.mark.prove
def test_a_million_records_are_checked_at_100_000_a_second() -> None:
    ledger = made(200_000, 5_000)
    lines = ledger.lines()
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert isinstance(verify_export(lines, Known((SIGNER.verifier,))), Verified)
        took.append(time.perf_counter() - began)
    rates = sorted(round(200_000 / seconds) for seconds in took)
    note(f"records/s checked, 5 times 200,000 of {len(lines[1])} bytes: {rates}")
    assert rates[2] >= 100_000
