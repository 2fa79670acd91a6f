"""A ledger that a reader's witnesses have seen to its end, and one that its operator wrote anew."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from policy.audit import verify_export
from policy.cosignatures import WitnessKey, WitnessSigner, with_lines
from policy.exports import checkpoint_line
from policy.findings import Guards, Known, Verified
from policy.ledger import Fault
from policy.notes import sign
from policy.tlog_proof import Proven, verify_proof, write_proof
from policy.witnessed import Witnessed
from tests.unit.policy.made_ledger import ADA, SIGNER, Made, made, record

B = WitnessSigner("b.example/witness", bytes(range(1, 33)))
C = WitnessSigner("c.example/witness", bytes(range(2, 34)))
STRANGER = WitnessSigner("b.example/witness", bytes(32))
AT = 1_800_000_000
LEDGER = made(40, every=16)


def cosigned(lines: Sequence[bytes], upto: int, *witnesses: WitnessSigner) -> list[bytes]:
    """The file with cosignatures on each checkpoint up to a size."""
    found = []
    for line in lines:
        note = json.loads(line).get("checkpoint")
        if note is not None and int(note.split("\n")[1]) <= upto:
            text = note.partition("\n\n")[0] + "\n"
            line = checkpoint_line(with_lines(note, [one.cosign(text, AT) for one in witnesses]))
        found.append(line)
    return found


def checked(lines: Sequence[bytes], *witnesses: WitnessSigner, guards: Guards | None = None) -> Verified | Fault:
    keys: tuple[WitnessKey, ...] = tuple(one.verifier for one in witnesses)
    return verify_export(lines, Known((SIGNER.verifier,), witnesses=keys), guards)


def test_what_all_have_seen_holds() -> None:
    lines = cosigned(LEDGER.lines(), 40, B, C)
    assert isinstance(checked(lines, B, C), Verified)
    assert isinstance(checked(lines), Verified), "who asks for no witness reads it as before"


def test_the_first_record_that_a_witness_has_not_seen_is_named() -> None:
    fault = checked(cosigned(LEDGER.lines(), 32, B), B)
    assert fault == Fault(33, "no checkpoint that b.example/witness has co-signed proves it")
    assert checked(LEDGER.lines(), B) == Fault(1, "no checkpoint that b.example/witness has co-signed proves it")


def test_each_of_them_must_have_seen_it() -> None:
    lines = cosigned(LEDGER.lines(), 40, B)
    assert checked(lines, B, C) == Fault(1, "no checkpoint that c.example/witness has co-signed proves it")
    assert isinstance(checked(cosigned(LEDGER.lines(), 40, B, STRANGER), STRANGER), Verified)
    assert isinstance(checked(lines, STRANGER), Fault)


def rewritten() -> Made:
    """The operator has the signing key: another record 20, and all behind it signed anew."""
    records = list(LEDGER.records)
    records[19] = record(20, decision="deny")
    return Made(tuple(records), LEDGER.signed)


def test_a_rewritten_history_cannot_wear_the_old_cosignatures() -> None:
    old = {json.loads(line).get("checkpoint") for line in cosigned(LEDGER.lines(), 40, B)} - {None}
    lines_of = {int(note.split("\n")[1]): note.splitlines(keepends=True)[-1] for note in old}
    forged = []
    for line in rewritten().lines():
        note = json.loads(line).get("checkpoint")
        if note is not None:
            line = checkpoint_line(with_lines(note, [lines_of[int(note.split("\n")[1])]]))
        forged.append(line)
    fault = checked(forged, B)
    assert isinstance(fault, Fault)
    assert (fault.seq, "not what was co-signed" in fault.what) == (17, True)


def test_nor_go_without_them() -> None:
    assert isinstance(checked(rewritten().lines(), B), Fault)


@pytest.mark.control
def test_control_nobody_finds_it_without_a_witness() -> None:
    """The hub's own key signs whatever its operator writes."""
    assert isinstance(checked(rewritten().lines()), Verified)
    assert isinstance(checked(rewritten().lines(), B, guards=Guards(witnesses=False)), Verified)


def test_an_own_export_and_a_proof_are_asked_for_it_too() -> None:
    own = LEDGER.own(ADA)
    known = Known((SIGNER.verifier,), witnesses=(B.verifier,))
    assert verify_export(own, known) == Fault(1, "no checkpoint that b.example/witness has co-signed proves it")
    assert isinstance(verify_export(cosigned(own, 40, B), known), Verified)
    note = sign(LEDGER.checkpoint(1).text, [SIGNER])
    plain = write_proof(1, LEDGER.records[0], [], note)
    assert isinstance(verify_proof(plain, known), Fault)
    seen = write_proof(1, LEDGER.records[0], [], with_lines(note, [B.cosign(LEDGER.checkpoint(1).text, AT)]))
    assert isinstance(verify_proof(seen, known), Proven)


def test_a_file_that_begins_later_is_judged_from_there() -> None:
    lines = cosigned(LEDGER.lines(after=16), 40, B)
    assert isinstance(checked(lines, B), Verified)
    assert checked(LEDGER.lines(after=16), B) == Fault(
        17, "no checkpoint that b.example/witness has co-signed proves it"
    )


def test_who_asks_for_nobody_lacks_nobody() -> None:
    assert Witnessed(()).lacking(10**9) is None
