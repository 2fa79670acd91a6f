"""Whose word of itself a hub believes of another, and how keys change."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from policy import hub_documents
from policy.cosignatures import WitnessSigner
from policy.hub_documents import CLOCKS_DIFFER_MS, HEAD, Doubt, HubDocument, ListedAgent, signed
from policy.notes import BadNote, SignerKey, sign

DOMAIN = "a.example"
OLD, NEW, EVIL = (SignerKey(f"{DOMAIN}/hub", bytes([number]) * 32) for number in (1, 2, 3))
LEDGER = SignerKey(f"{DOMAIN}/ledger", bytes(32))
NOW_MS = 2000
AHEAD_MS = NOW_MS + CLOCKS_DIFFER_MS + 1


def document(*signers: SignerKey, number: int = 1000, domain: str = DOMAIN) -> HubDocument:
    return HubDocument(
        domain,
        number,
        tuple(one.verifier for one in signers),
        tuple(WitnessSigner(f"{domain}/witness", one.seed).verifier for one in signers),
        (LEDGER.verifier,),
        (ListedAgent(f"bob@agents.{domain}", 3, "0" * 64, "1" * 64),),
    )


def note(*signers: SignerKey, number: int = 1000, domain: str = DOMAIN) -> str:
    return signed(document(*signers, number=number, domain=domain), signers)


def believe(text: str, domain: str, pinned: HubDocument | None, now_ms: int = NOW_MS) -> HubDocument | Doubt:
    return hub_documents.believe(text, domain, pinned, now_ms)


def test_it_is_written_and_read() -> None:
    made = document(OLD, NEW)
    assert HubDocument.parse(made.text) == made
    assert made.text.startswith(f"{HEAD}\n{{")
    assert made.text.count("\n") == 2


def test_the_first_is_taken_as_it_is() -> None:
    assert believe(note(OLD), DOMAIN, None) == document(OLD)


def test_the_next_of_the_same_key_is_believed() -> None:
    assert believe(note(OLD, number=1001), DOMAIN, document(OLD)) == document(OLD, number=1001)


def test_keys_change_with_overlap() -> None:
    both = believe(note(NEW, OLD, number=1001), DOMAIN, document(OLD))
    assert isinstance(both, HubDocument)
    assert believe(note(NEW, number=1002), DOMAIN, both) == document(NEW, number=1002)


def test_other_keys_without_proof_are_doubted() -> None:
    assert believe(note(NEW, number=1001), DOMAIN, document(OLD)) is Doubt.OTHER_KEYS
    assert believe(note(EVIL, number=1001), DOMAIN, document(NEW, OLD)) is Doubt.OTHER_KEYS


@pytest.mark.control
def test_control_whoever_pins_nothing_believes_anybody() -> None:
    assert isinstance(believe(note(EVIL, number=1001), DOMAIN, None), HubDocument)


def test_nobody_names_an_old_key_without_having_it() -> None:
    """A document that lists the pinned key, signed by the others alone."""
    forged = sign(document(EVIL, OLD, number=1001).text, [EVIL])
    assert believe(forged, DOMAIN, document(OLD)) is Doubt.MALFORMED


def test_nobody_wears_an_old_signature() -> None:
    """The line of the pinned key, from another document."""
    line = note(OLD).splitlines(keepends=True)[-1]
    forged = sign(document(EVIL, OLD, number=1001).text, [EVIL]) + line
    assert believe(forged, DOMAIN, document(OLD)) is Doubt.MALFORMED


def test_what_held_once_does_not_hold_again() -> None:
    assert believe(note(OLD), DOMAIN, document(NEW, OLD, number=1001)) is Doubt.OLD


@pytest.mark.control
def test_control_while_nothing_newer_was_seen_it_holds() -> None:
    assert isinstance(believe(note(OLD), DOMAIN, document(NEW, OLD, number=1000)), HubDocument)


@pytest.mark.parametrize("pinned", [None, document(OLD)])
def test_what_was_made_in_the_future_is_not_believed(pinned: HubDocument | None) -> None:
    assert believe(note(OLD, number=AHEAD_MS), DOMAIN, pinned) is Doubt.AHEAD
    assert isinstance(believe(note(OLD, number=AHEAD_MS - 1), DOMAIN, pinned), HubDocument), "clocks differ a little"


@pytest.mark.control
def test_control_believed_it_would_outlast_what_its_hub_says_when_its_clock_is_right() -> None:
    ahead = believe(note(OLD, number=AHEAD_MS), DOMAIN, None, AHEAD_MS)
    assert isinstance(ahead, HubDocument)
    assert believe(note(NEW, OLD, number=NOW_MS), DOMAIN, ahead) is Doubt.OLD
    assert believe(note(NEW, number=NOW_MS), DOMAIN, ahead) is Doubt.OTHER_KEYS, "and an honest peer would be frozen"


def test_other_keys_are_worse_than_a_wrong_clock() -> None:
    assert believe(note(EVIL, number=AHEAD_MS), DOMAIN, document(OLD)) is Doubt.OTHER_KEYS


def test_it_is_of_the_hub_that_sends_it() -> None:
    assert believe(note(OLD, domain="b.example"), DOMAIN, None) is Doubt.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"number": "7"},
        {"number": True},
        {"keys": []},
        {"keys": ["x"]},
        {"keys": [str(OLD.verifier)] * 9},
        {"witness_keys": [str(OLD.verifier)]},
        {"agents": {}},
        {"agents": [{}]},
        {"domain": None},
    ],
)
def test_what_is_in_no_order_is_not_read(change: dict[str, object]) -> None:
    said = json.loads(document(OLD).text.split("\n")[1]) | change
    text = f"{HEAD}\n{json.dumps(said)}\n"
    assert believe(sign(text, [OLD]), DOMAIN, None) is Doubt.MALFORMED


@pytest.mark.parametrize("text", ["", "x", f"{HEAD}\n", f"{HEAD}\n[]\n", f"{HEAD}\n" + "[" * 100_000])
def test_garbage_is_not_read(text: str) -> None:
    with pytest.raises(BadNote):
        HubDocument.parse(text)
    assert believe(text, DOMAIN, None) is Doubt.MALFORMED


def test_members_that_a_later_version_adds_are_left_out() -> None:
    said = json.loads(document(OLD).text.split("\n")[1]) | {"colour": "blue"}
    assert HubDocument.parse(f"{HEAD}\n{json.dumps(said)}\n") == document(OLD)


def test_a_text_of_another_kind_is_no_document() -> None:
    with pytest.raises(BadNote):
        HubDocument.parse(replace(document(OLD), domain="x").text.replace(HEAD, "urn:aiox:other:0"))
