"""Cosignatures, against the published example of the specification, and who cannot make one."""

from __future__ import annotations

import base64

import pytest

from policy.cosignatures import Cosigned, WitnessKey, WitnessSigner, cosigners, message, with_lines
from policy.notes import BadNote, Checkpoint, SignerKey, VerifierKey, open_note, sign

# The example of c2sp.org/tlog-cosignature. The witness's public key is not published with it.
BODY = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
NOTE = (
    f"{BODY}\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
    "+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
    "mbIUBkBIfZ+qnA==\n"
)
LOG = SignerKey("a.example/ledger", bytes(range(32)))
WITNESS = WitnessSigner("b.example/witness", bytes(range(1, 33)))
OTHER = WitnessSigner("b.example/witness", bytes(32))
TEXT = Checkpoint("a.example/ledger", 7, bytes(32)).text
AT = 1_679_315_147


def test_the_message_is_that_of_the_specification() -> None:
    assert message(BODY, AT).decode() == f"cosignature/v1\ntime 1679315147\n{BODY}"


def test_a_line_has_the_published_form() -> None:
    line = WITNESS.cosign(TEXT, AT)
    published = base64.b64decode(NOTE.splitlines()[-1].rpartition(" ")[2])
    ours = base64.b64decode(line.rpartition(" ")[2])
    assert len(ours) == len(published) == 4 + 8 + 64
    assert ours[4:12] == published[4:12] == AT.to_bytes(8)
    assert ours[:4] == WITNESS.verifier.id


def test_lines_of_witnesses_that_nobody_trusts_are_ignored() -> None:
    assert cosigners(NOTE, [WITNESS.verifier]) == ()


def test_it_is_made_and_found_again() -> None:
    line = WITNESS.cosign(TEXT, AT)
    note = with_lines(sign(TEXT, [LOG]), [line])
    assert cosigners(note, [WITNESS.verifier]) == (Cosigned(WITNESS.verifier, AT, line),)
    assert open_note(note, [LOG.verifier]) == (TEXT, (LOG.verifier,)), "the log's own signature stays what it is"


def test_a_key_is_written_and_read() -> None:
    text = str(WITNESS.verifier)
    assert WitnessKey.parse(text) == WITNESS.verifier
    with pytest.raises(BadNote):
        WitnessKey.parse(str(LOG.verifier))
    with pytest.raises(BadNote):
        VerifierKey.parse(text)
    with pytest.raises(BadNote):
        WitnessKey.parse(text.replace("b.example", "c.example"))


def test_the_same_seed_is_another_key_as_log_and_as_witness() -> None:
    assert WitnessSigner(LOG.name, LOG.seed).verifier.id != LOG.verifier.id


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(OTHER.cosign(TEXT, AT), id="another key of this name"),
        pytest.param(WitnessSigner("c.example/witness", WITNESS.seed).cosign(TEXT, AT), id="another name of this key"),
    ],
)
def test_nobody_co_signs_for_another(line: str) -> None:
    assert cosigners(with_lines(sign(TEXT, [LOG]), [line]), [WITNESS.verifier]) == ()


def test_a_line_of_another_checkpoint_is_refused_when_it_is_replayed() -> None:
    older = Checkpoint("a.example/ledger", 6, bytes(32)).text
    with pytest.raises(BadNote, match="not of this checkpoint"):
        cosigners(with_lines(sign(TEXT, [LOG]), [WITNESS.cosign(older, AT)]), [WITNESS.verifier])


@pytest.mark.control
def test_control_on_the_checkpoint_that_it_was_made_for_it_holds() -> None:
    older = Checkpoint("a.example/ledger", 6, bytes(32)).text
    note = with_lines(sign(older, [LOG]), [WITNESS.cosign(older, AT)])
    assert len(cosigners(note, [WITNESS.verifier])) == 1


def test_a_time_that_was_changed_is_refused() -> None:
    raw = bytearray(base64.b64decode(WITNESS.cosign(TEXT, AT).rpartition(" ")[2]))
    raw[11] ^= 1
    line = f"— {WITNESS.name} {base64.b64encode(bytes(raw)).decode()}\n"
    with pytest.raises(BadNote):
        cosigners(with_lines(sign(TEXT, [LOG]), [line]), [WITNESS.verifier])


def test_a_plain_signature_of_the_witness_is_no_cosignature() -> None:
    """Else whoever gets a witness to sign a text of theirs has a cosignature."""
    plain = SignerKey(WITNESS.name, WITNESS.seed).sign(TEXT)
    assert cosigners(with_lines(sign(TEXT, [LOG]), [plain]), [WITNESS.verifier]) == ()


def test_a_short_line_is_malformed() -> None:
    line = f"— {WITNESS.name} {base64.b64encode(WITNESS.verifier.id + bytes(60)).decode()}\n"
    with pytest.raises(BadNote, match="malformed"):
        cosigners(with_lines(sign(TEXT, [LOG]), [line]), [WITNESS.verifier])


def test_the_seed_is_not_shown() -> None:
    assert WITNESS.seed.hex() not in repr(WITNESS)
    assert repr(WITNESS) == "WitnessSigner('b.example/witness')"
