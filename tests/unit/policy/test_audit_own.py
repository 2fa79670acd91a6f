"""One owner's export: every record proven by itself, and nothing in it can be changed or added."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from policy.audit import verify_export
from policy.exports import Head, checkpoint_line, csv_head, from_csv, own_line, to_csv
from policy.findings import Known, Verified
from policy.ledger import Fault
from policy.merkle import leaf_hash
from policy.notes import sign
from tests.unit.policy.made_ledger import ADA, EVE, SIGNER, made, record

LEDGER = made(101)
LINES = LEDGER.own(ADA)
PINNED = Known((SIGNER.verifier,), LEDGER.checkpoint(101))


def test_it_holds_and_has_ones_own_records_only() -> None:
    found = verify_export(LINES, PINNED)
    assert isinstance(found, Verified)
    assert (found.kind, found.records, found.to, found.pinned) == ("own", 50, 101, True)
    assert all(str(EVE).encode() not in line for line in LINES)


def test_it_holds_in_its_csv_form() -> None:
    lines = [csv_head().decode(), *(to_csv(line).decode() for line in LINES)]
    assert list(from_csv(lines)) == LINES


def test_any_changed_byte_is_found_at_its_record() -> None:
    for seed in range(300):
        chance = Random(seed)
        at = chance.randrange(2, len(LINES))
        line = bytearray(LINES[at])
        line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
        found = verify_export([*LINES[:at], bytes(line), *LINES[at + 1 :]], PINNED)
        assert isinstance(found, Fault), seed
        last = 2 * (at - 2)
        assert last < found.seq <= last + 2, (seed, found)


def test_a_missing_and_a_doubled_record_are_found() -> None:
    for lines, seq in (([*LINES[:9], *LINES[10:]], 101), ([*LINES[:9], LINES[8], *LINES[9:]], 15), (LINES[:-1], 99)):
        found = verify_export(lines, PINNED)
        assert isinstance(found, Fault)
        assert found.seq == seq


@pytest.mark.control
def test_a_record_that_is_missing_is_found_by_the_count_in_the_head_only() -> None:
    head = replace(Head.parse(LINES[0]), rows=49)
    assert isinstance(verify_export([head.encode(), *LINES[1:9], *LINES[10:]], PINNED), Verified)


def test_a_record_of_another_owner_is_refused_with_its_good_proof() -> None:
    theirs = LEDGER.own(EVE)[2]
    found = verify_export([*LINES[:2], theirs, *LINES[2:]], PINNED)
    assert found == Fault(1, "it is of another owner")


def test_a_record_that_never_was_has_no_proof() -> None:
    forged = record(2, "approval.granted")
    assert leaf_hash(forged)
    proof = [bytes(32)] * 7
    found = verify_export([*LINES[:2], own_line(2, proof, forged), *LINES[3:]], PINNED)
    assert found == Fault(2, "its proof does not lead to the root that was signed")


def test_another_checkpoint_than_the_known_one_is_refused() -> None:
    other = checkpoint_line(sign(replace(LEDGER.checkpoint(101), root=bytes(32)).text, [SIGNER]))
    for line in (other, checkpoint_line(sign(LEDGER.checkpoint(100).text, [SIGNER])), b"{}\n"):
        found = verify_export([LINES[0], line, *LINES[2:]], PINNED)
        assert isinstance(found, Fault)
        assert found.seq == 1
