from __future__ import annotations

from xml.etree.ElementTree import Element

from hypothesis import given
from hypothesis import strategies as st

from component.stanza_xml import COMPONENT, add, child, kind_of, legal, stanza, to_text
from tests.unit.component.stanzas import again

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_survives_the_wire_as_legal_xml(body: str, attribute: str) -> None:
    made = stanza("message", "a@agents.hub.test", "b@hub.test", "chat")
    add(made, COMPONENT, "body", body)
    add(made, "urn:example:x", "x", value=attribute)
    to_text(made).encode()
    seen = again(made)
    assert seen.findtext(f"{{{COMPONENT}}}body") == legal(body)
    inner = child(seen, "urn:example:x", "x")
    assert inner is not None
    assert inner.get("value") == legal(attribute)


@given(ANY_TEXT)
def test_legal_text_keeps_its_length_and_is_a_fixed_point(text: str) -> None:
    assert len(legal(text)) == len(text)
    assert legal(legal(text)) == legal(text)


def test_forbidden_characters_become_the_replacement_character() -> None:
    assert legal("a\x00\x08\x0b\x1b\ud800\ufffe\uffff\tb\n") == "a" + "\ufffd" * 7 + "\tb\n"


def test_namespaces_are_declared_where_they_change() -> None:
    made = stanza("iq", "a", "b", "result", "1")
    add(add(made, "urn:x", "query"), "urn:x", "item", node="n")
    assert (
        to_text(made) == '<iq from="a" to="b" type="result" id="1"><query xmlns="urn:x"><item node="n"/></query></iq>'
    )


def test_kind_of_knows_stanzas_of_the_stream_only() -> None:
    assert kind_of(stanza("presence", "a", "b")) == "presence"
    assert kind_of(Element("{urn:x}message")) == ""
