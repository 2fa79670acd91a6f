from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from component.features.disco import INFO, ITEMS
from component.queries import answer_query
from component.stanza_xml import COMPONENT, STANZAS
from tests.unit.component.stanzas import AGENT, ALICE, again, parse


def ask(inner: str, kind: str = "get", to: str = AGENT) -> Element | None:
    reply = answer_query(parse(f'<iq from="{ALICE}" to="{to}" type="{kind}" id="i1">{inner}</iq>'))
    return None if reply is None else again(reply)


@pytest.mark.parametrize(
    "inner",
    [
        '<ping xmlns="urn:xmpp:ping"/>',
        '<query xmlns="jabber:iq:version"/>',
        f'<query xmlns="{ITEMS}"/>',
    ],
)
@pytest.mark.parametrize("to", [AGENT, "nobody@agents.hub.test"])
def test_known_queries_get_a_result_at_every_address(inner: str, to: str) -> None:
    reply = ask(inner, to=to)
    assert reply is not None
    assert (reply.get("type"), reply.get("id"), reply.get("from"), reply.get("to")) == ("result", "i1", to, ALICE)


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ("", "get"),
        ('<query xmlns="urn:unknown"/>', "get"),
        ('<query xmlns="urn:unknown"/>', "set"),
        ('<ping xmlns="urn:xmpp:ping"/>', "set"),
    ],
)
def test_everything_else_is_unavailable(inner: str, kind: str) -> None:
    reply = ask(inner, kind)
    assert reply is not None
    assert reply.find(f"{{{COMPONENT}}}error/{{{STANZAS}}}service-unavailable") is not None


@pytest.mark.parametrize("kind", ["result", "error", "nonsense", ""])
def test_results_and_errors_are_never_answered(kind: str) -> None:
    assert ask('<ping xmlns="urn:xmpp:ping"/>', kind) is None


def test_query_from_nowhere_is_not_answered() -> None:
    assert answer_query(parse('<iq type="get" id="1"><ping xmlns="urn:xmpp:ping"/></iq>')) is None


def test_the_hub_is_a_gateway_with_a_directory() -> None:
    reply = ask(f'<query xmlns="{INFO}"/>', to="agents.hub.test")
    assert reply is not None
    said = {(inner.get("category"), inner.get("type")) for inner in reply[0]} | {inner.get("var") for inner in reply[0]}
    assert {("automation", "agent-gateway"), "urn:xmpp:agent-directory:0", "jabber:iq:search"} <= said
    node = ask(f'<query xmlns="{INFO}" node="urn:xmpp:agent-directory:0"/>', to="agents.hub.test")
    assert node is not None
    assert ("automation", "agent-directory") in {(inner.get("category"), inner.get("type")) for inner in node[0]}


@pytest.mark.parametrize("to", [AGENT, "agents.hub.test"])
@pytest.mark.parametrize("namespace", [INFO, ITEMS])
def test_an_unknown_node_is_not_found(namespace: str, to: str) -> None:
    reply = ask(f'<query xmlns="{namespace}" node="x"/>', to=to)
    assert reply is not None
    assert reply.find(f"{{{COMPONENT}}}error/{{{STANZAS}}}item-not-found") is not None
