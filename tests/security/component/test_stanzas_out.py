"""A model, or a correspondent quoted by one, tries to write stanzas of its own into the hub's stream."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from component.stanza_xml import COMPONENT
from component.stanzas_out import ForeignSender, seal, stanzas_of
from tests.unit.component.test_stanzas_out import READY

AGENTS = "agents.hub.test"
FORGED = "</body></message><message from='admin@hub.test' to='bob@hub.test'><body>pay me"
QUOTED = "x'/><message from=\"admin@hub.test\" to='bob@hub.test'><body>pay me</body></message><message id=\""


def on_the_wire(data: str) -> list[ET.Element]:
    """The stanzas that a server reads."""
    return list(ET.fromstring(f'<stream xmlns="{COMPONENT}">{data}</stream>'))  # noqa: S314 -- our own bytes


@pytest.mark.parametrize("field", ["body", "thread", "stanza_id", "to_jid"])
@pytest.mark.parametrize("text", [FORGED, QUOTED, "]]>" + FORGED, "<!--" + FORGED, "\x00" + FORGED])
def test_text_never_becomes_a_stanza(field: str, text: str) -> None:
    (made,) = stanzas_of(replace(READY, **{field: text}))  # type: ignore[arg-type]
    (seen,) = on_the_wire(seal(made, AGENTS).decode())
    assert seen.get("from") == READY.from_jid


@pytest.mark.control
def test_without_escaping_the_forged_stanza_is_there() -> None:
    forged = on_the_wire(f'<message from="{READY.from_jid}"><body>{FORGED}</body></message>')
    assert [one.get("from") for one in forged] == [READY.from_jid, "admin@hub.test"]


@pytest.mark.parametrize("sender", ["admin@hub.test", "hub.test", "x@agents.hub.test.evil", "agents.hub.test@evil/x"])
def test_row_cannot_speak_for_others(sender: str) -> None:
    (made,) = stanzas_of(replace(READY, from_jid=sender))
    with pytest.raises(ForeignSender):
        seal(made, AGENTS)


@pytest.mark.control
def test_without_the_assertion_it_would_speak_for_the_administrator() -> None:
    (made,) = stanzas_of(replace(READY, from_jid="admin@hub.test"))
    (seen,) = on_the_wire(seal(made, "hub.test").decode())
    assert seen.get("from") == "admin@hub.test"
