from __future__ import annotations

from uuid import UUID

import pytest

from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import agent_id_of, turn_id_of
from aiox.kernel.jid import BareJid
from component.stanzas_in import Question, Refusal, Sender, is_conversation, read_message, vouched_sender
from tests.unit.component.stanzas import AGENT, ALICE, message, parse

SENDER = Sender(ALICE, BareJid("alice@hub.test"))
DRAWN = UUID(int=7)


def read(inner: str, attributes: str = 'type="chat" id="q1"', to: str = AGENT) -> Question | Refusal:
    return read_message(message(inner, attributes, to=to), SENDER, lambda: DRAWN)


def question(inner: str, attributes: str = 'type="chat" id="q1"', to: str = AGENT) -> Question:
    found = read(inner, attributes, to)
    assert isinstance(found, Question)
    return found


def refused(inner: str, attributes: str = 'type="chat" id="q1"', to: str = AGENT) -> ErrorCode:
    found = read(inner, attributes, to)
    assert isinstance(found, Refusal)
    return found.code


def test_message_becomes_a_question() -> None:
    received = question("<body>hi</body><thread>t</thread>").received
    assert (received.sender, received.sender_full, received.agent_jid) == ("alice@hub.test", ALICE, AGENT)
    assert (received.message_id, received.body, received.thread, received.stanza_type) == ("q1", "hi", "t", "chat")
    assert received.turn_id == turn_id_of("alice@hub.test", AGENT, "q1", "hi")
    assert received.agent_id == agent_id_of(AGENT.partition("@")[0])


def test_origin_id_is_preferred_to_the_stanza_id() -> None:
    assert question('<body>hi</body><origin-id xmlns="urn:xmpp:sid:0" id="o1"/>').received.message_id == "o1"
    assert question('<body>hi</body><origin-id xmlns="urn:xmpp:sid:0"/>').received.message_id == "q1"


def test_message_without_an_id_is_a_turn_of_its_own() -> None:
    received = question("<body>hi</body>", "").received
    assert (received.message_id, received.turn_id, received.stanza_type) == ("", DRAWN, "normal")


def test_receipts_and_chat_states_are_noticed() -> None:
    plain = question("<body>hi</body>")
    assert (plain.wants_receipt, plain.wants_states) == (False, False)
    asking = (
        '<body>hi</body><request xmlns="urn:xmpp:receipts"/><active xmlns="http://jabber.org/protocol/chatstates"/>'
    )
    assert (question(asking).wants_receipt, question(asking).wants_states) == (True, True)
    assert question(asking, 'type="chat"').wants_receipt is False, "there is no id that a receipt could name"


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<body/>", ErrorCode.BODY_EMPTY),
        ("<body> \n\t</body>", ErrorCode.BODY_EMPTY),
        (f"<body>{'x' * 65_537}</body>", ErrorCode.BODY_TOO_LARGE),
        (f"<body>{'é' * 32_769}</body>", ErrorCode.BODY_TOO_LARGE),
    ],
    ids=["empty", "blank", "large", "large in bytes"],
)
def test_bad_bodies_are_refused(inner: str, code: ErrorCode) -> None:
    assert refused(inner) is code


def test_limits_themselves_are_fine() -> None:
    assert question(f"<body>{'é' * 32_768}</body>").received.body == "é" * 32_768


def test_endless_id_is_refused() -> None:
    assert refused("<body>hi</body>", f'id="{"i" * 1025}"') is ErrorCode.BODY_INVALID


def test_unknown_addresses_take_the_same_path() -> None:
    assert question("<body>hi</body>", to="nobody@agents.hub.test").received.agent_id == agent_id_of("nobody")


def test_component_itself_is_no_agent() -> None:
    assert refused("<body>hi</body>", to="agents.hub.test") is ErrorCode.ACCESS_DENIED


@pytest.mark.parametrize(
    "text",
    [
        '<message type="chat"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>',
        '<message><received xmlns="urn:xmpp:receipts" id="1"/></message>',
        '<message type="error"><body>hi</body></message>',
        '<message type="groupchat"><body>hi</body></message>',
        '<message type="headline"><body>hi</body></message>',
        '<message><body xmlns="urn:other">hi</body></message>',
    ],
)
def test_what_is_no_conversation(text: str) -> None:
    assert not is_conversation(parse(text))


@pytest.mark.parametrize("address", ["", "hub.test", "hub.test/x", "@hub.test", "a@", "a b@hub.test", "a@b@c"])
def test_sender_that_nobody_vouches_for(address: str) -> None:
    assert vouched_sender(parse(f'<message from="{address}"/>')) is None
    assert vouched_sender(parse("<message/>")) is None


def test_sender_is_normalised() -> None:
    assert vouched_sender(parse('<message from="Alice@HUB.test/Phone"/>')) == Sender(
        "alice@hub.test/Phone", BareJid("alice@hub.test")
    )
