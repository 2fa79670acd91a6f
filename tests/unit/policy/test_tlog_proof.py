"""A proof of one record as a text: written, checked, and refused with any letter changed."""

from __future__ import annotations

from random import Random

import pytest

from policy.exports import Head
from policy.findings import Known
from policy.ledger import Fault
from policy.merkle import Frontier, Node, inclusion_ranges, leaf_hash, range_hash
from policy.notes import sign
from policy.tlog_proof import NotAProof, Proven, verify_proof, write_proof
from tests.unit.policy.made_ledger import NEXT_SIGNER, SIGNER, made

LEDGER = made(45)
NOTE = sign(LEDGER.checkpoint(45).text, [SIGNER])
KNOWN = Known((SIGNER.verifier,))


def proof(seq: int) -> str:
    nodes: dict[Node, bytes] = {(0, at): leaf_hash(record) for at, record in enumerate(LEDGER.records)}
    Frontier().extend([nodes[0, at] for at in range(45)], nodes.__setitem__)
    path = [range_hash(part, nodes) for part in inclusion_ranges(seq - 1, 45)]
    return write_proof(seq, LEDGER.records[seq - 1], path, NOTE)


def test_every_record_is_proven() -> None:
    for seq in range(1, 46):
        found = verify_proof(proof(seq), KNOWN)
        assert found == Proven(seq, LEDGER.records[seq - 1], LEDGER.checkpoint(45), (SIGNER.verifier,))


def test_the_form_is_that_of_the_specification() -> None:
    lines = proof(7).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 6"
    assert [len(line) for line in lines[3:9]] == [44] * 6
    assert "\n".join(lines[10:]) == NOTE


def test_no_changed_letter_passes() -> None:
    text = proof(30)
    for seed in range(500):
        chance = Random(seed)
        at = chance.randrange(len(text))
        other = chance.choice([char for char in "Ab9+/=\n " if char != text[at]])
        try:
            found = verify_proof(text[:at] + other + text[at + 1 :], KNOWN)
        except NotAProof:
            continue
        assert isinstance(found, Fault), (seed, at)


def test_a_key_that_is_not_known_proves_nothing() -> None:
    for known in (Known(), Known((NEXT_SIGNER.verifier,))):
        assert verify_proof(proof(1), known) == Fault(
            1, "its checkpoint proves nothing: it is signed by no key that is trusted here"
        )


def test_another_checkpoint_of_the_same_size_is_refused() -> None:
    known = Known((SIGNER.verifier,), LEDGER.checkpoint(45))
    assert isinstance(verify_proof(proof(1), known), Proven)
    other = Known((SIGNER.verifier,), type(LEDGER.checkpoint(45))(LEDGER.checkpoint(45).origin, 45, bytes(32)))
    assert isinstance(verify_proof(proof(1), other), Fault)


@pytest.mark.parametrize("text", ["", NOTE, Head("own", "o", 1, ()).encode().decode(), "c2sp.org/tlog-proof@v1\n"])
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(NotAProof):
        verify_proof(text, KNOWN)
