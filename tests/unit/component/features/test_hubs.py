"""What hubs say to each other, as stanzas and back."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from component.features.hubs import (
    answer_document,
    answer_witness,
    ask_document,
    ask_witness,
    checkpoint_in,
    condition_of,
    cosignature_in,
    document_in,
    is_between_hubs,
    refuse_witness,
)
from component.stanza_xml import COMPONENT, to_text
from policy.witness import No, Refused

A, B = "agents.a.example", "agents.b.example"


def over_the_wire(element: object) -> object:
    """As it arrives: written out and read again."""
    text = to_text(element)  # type: ignore[arg-type]
    return fromstring(text.replace("<iq", f"<iq xmlns='{COMPONENT}'", 1))  # noqa: S314 -- our own


def test_a_document_is_asked_for_and_comes_back_to_the_letter() -> None:
    query = ask_document(A, B, "q1")
    assert is_between_hubs(query)
    note = "urn:aiox:hub:0\n{}\n\n— a.example/hub AAAA\n"
    reply = over_the_wire(answer_document(query, note))
    assert (reply.get("from"), reply.get("to"), reply.get("id")) == (B, A, "q1")  # type: ignore[attr-defined]
    assert document_in(reply) == note  # type: ignore[arg-type]


def test_a_checkpoint_is_shown_and_the_cosignature_comes_back() -> None:
    text = "old 0\n\na.example/ledger\n1\nAAAA\n\n— a.example/ledger AAAA\n"
    query = over_the_wire(ask_witness(A, B, "q2", text))
    assert is_between_hubs(query)  # type: ignore[arg-type]
    assert checkpoint_in(query) == text  # type: ignore[arg-type]
    line = "— b.example/witness AAAA\n"
    assert cosignature_in(over_the_wire(answer_witness(query, line))) == line  # type: ignore[arg-type]


@pytest.mark.parametrize("why", No)
def test_a_refusal_says_why_and_where_to_begin(why: No) -> None:
    query = ask_witness(A, B, "q3", "")
    reply = over_the_wire(refuse_witness(query, Refused(why, 42)))
    assert cosignature_in(reply) == Refused(why, 42)  # type: ignore[arg-type]
    assert condition_of(reply) != "undefined-condition"  # type: ignore[arg-type]


@pytest.mark.parametrize("size", ["", "-1", "x", "9" * 30, "\u0661"])
def test_a_size_that_is_none_is_nothing(size: str) -> None:
    reply = refuse_witness(ask_witness(A, B, "q4", ""), Refused(No.OTHER_SIZE, 7))
    next(one for one in reply.iter() if one.tag.endswith("other-size")).set("size", size)
    assert cosignature_in(reply) == Refused(No.OTHER_SIZE, 0)


def test_an_agent_is_no_hub() -> None:
    assert not is_between_hubs(ask_document(A, f"bob@{B}", "q5"))
    reply = answer_document(ask_document(A, B, "q6"), "x")
    assert not is_between_hubs(reply)
    assert (cosignature_in(reply), document_in(ask_document(A, B, "q7"))) == (None, "")
