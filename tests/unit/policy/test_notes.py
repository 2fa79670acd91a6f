"""Signed notes and checkpoints, against the published examples of the specification and of Go's sumdb."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.notes import BadNote, Checkpoint, SignerKey, VerifierKey, open_checkpoint, open_note, sign

# The example of golang.org/x/mod/sumdb/note, whose key pair is published with it.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# The example of c2sp.org/tlog-checkpoint.
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
    "+xeMcTOAYQ8=\n"
)
OURS = SignerKey("hub.example/ledger", bytes(range(32)))
OTHER = SignerKey("hub.example/ledger", bytes(32))


def test_the_published_note_is_made_and_opened() -> None:
    key = VerifierKey.parse(NEUMANN)
    assert str(key) == NEUMANN
    signer = SignerKey("PeterNeumann", NEUMANN_SEED)
    assert signer.verifier == key
    assert sign(TEXT, [signer]) == NOTE
    assert open_note(NOTE, [key]) == (TEXT, (key,))


def test_the_published_checkpoint_is_read_and_written() -> None:
    text = BEHIND_THE_SOFA.partition("\n\n")[0] + "\n"
    found = Checkpoint.parse(text)
    assert (found.origin, found.size, len(found.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert found.text == text


def test_a_checkpoint_is_opened_by_its_key_for_its_log_only() -> None:
    made = Checkpoint("hub.example/ledger", 7, bytes(32))
    note = sign(made.text, [OURS])
    assert open_checkpoint(note, [OURS.verifier], made.origin) == made
    with pytest.raises(BadNote, match="no key that is trusted"):
        open_checkpoint(note, [OTHER.verifier], made.origin)
    with pytest.raises(BadNote, match="no key that is trusted"):
        open_checkpoint(note, [], made.origin)
    with pytest.raises(BadNote, match="another log"):
        open_checkpoint(note, [OURS.verifier], "other.example/ledger")


def test_while_keys_change_either_opens_it() -> None:
    note = sign("text\n", [OTHER, OURS])
    for keys in ([OURS.verifier], [OTHER.verifier]):
        assert open_note(note, keys) == ("text\n", tuple(keys))
    assert len(open_note(note, [OURS.verifier, OTHER.verifier])[1]) == 2


def test_one_bad_signature_of_a_trusted_key_refuses_the_whole() -> None:
    bad = sign("other\n", [OTHER]).rpartition("\n\n")[2]
    note = sign("text\n", [OURS]) + bad
    assert open_note(note, [OURS.verifier]) == ("text\n", (OURS.verifier,))
    with pytest.raises(BadNote, match="not of this text"):
        open_note(note, [OURS.verifier, OTHER.verifier])


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_no_changed_byte_passes(at: int, change: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[at] ^= change
    try:
        changed = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(BadNote):
        open_note(changed, [VerifierKey.parse(NEUMANN)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no-plus",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN[:-4],
        NEUMANN.replace("+AR", "+Ah"),
        NEUMANN + "=",
    ],
)
def test_a_damaged_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        VerifierKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "hub\n7\n",
        "hub\n07\n" + "A" * 43 + "=\n",
        "hub\n-7\n" + "A" * 43 + "=\n",
        "\n7\n" + "A" * 43 + "=\n",
        "hub\n7\n" + "A" * 44 + "\n",
        "hub\n7\n" + "A" * 43 + "=\nextension\n",
        "hub\n7\n" + "A" * 43 + "=",
        "hub\n" + "9" * 20 + "\n" + "A" * 43 + "=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(text)


@pytest.mark.parametrize("text", ["no newline", "tab\there\n", "nul\x00\n", ""])
def test_what_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(BadNote):
        sign(text, [OURS])
    with pytest.raises(BadNote):
        sign("fine\n", [])


def test_a_signers_text_form_has_no_secret() -> None:
    assert bytes(range(32)).hex() not in repr(OURS)
    assert "x01" not in repr(OURS)
