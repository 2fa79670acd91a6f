"""What contacts are shown of an agent, stanza by stanza."""

from __future__ import annotations

import pytest

from aiox.kernel.ids import agent_id_of
from component.features.disco import AGENT_VER
from component.features.presence import State, accepted, available, ended, greeting, state_of
from component.stanza_xml import to_text
from tests.integration.component.door import card_of
from tests.unit.component.stanzas import AGENT, again

CARD = card_of(agent_id_of(AGENT.partition("@")[0]))


@pytest.mark.parametrize(
    ("state", "show", "word"),
    [
        (State.AVAILABLE, None, "AI agent"),
        (State.BUSY, "dnd", "busy"),
        (State.WAITING, "away", "waiting for approval"),
        (State.SPENT, "xa", "quota used up"),
    ],
)
def test_each_state_has_its_words(state: State, show: str | None, word: str) -> None:
    presence = again(available(AGENT, "alice@hub.test", CARD, state, "ab"))
    assert (presence.get("from"), presence.get("to"), presence.get("type")) == (f"{AGENT}/aiox", "alice@hub.test", None)
    assert presence.findtext("{*}show") == show
    assert word in (presence.findtext("{*}status") or "")
    assert "AI agent" in (presence.findtext("{*}status") or "")


def test_presence_carries_nick_capabilities_and_picture() -> None:
    text = to_text(available(AGENT, "alice@hub.test", CARD, State.AVAILABLE, "ab"))
    assert '<nick xmlns="http://jabber.org/protocol/nick">Ada</nick>' in text
    caps = f'<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="urn:aiox:caps:0" ver="{AGENT_VER}"/>'
    assert caps in text
    assert '<x xmlns="vcard-temp:x:update"><photo>ab</photo></x>' in text
    without = to_text(available(AGENT, "alice@hub.test", CARD, State.AVAILABLE, ""))
    assert '<x xmlns="vcard-temp:x:update"><photo/></x>' in without


def test_what_keeps_an_agent_from_answering_comes_first() -> None:
    card = card_of(CARD.agent_id, waits=True)
    assert state_of(CARD, busy=False) is State.AVAILABLE
    assert state_of(CARD, busy=True) is State.BUSY
    assert state_of(card, busy=True) is State.WAITING
    assert state_of(card_of(CARD.agent_id, waits=True, spent=True), busy=True) is State.SPENT


def test_a_subscription_begins_and_ends() -> None:
    assert to_text(accepted(AGENT, "a@b")) == f'<presence from="{AGENT}" to="a@b" type="subscribed"/>'
    assert [to_text(one) for one in ended(AGENT, "a@b")] == [
        f'<presence from="{AGENT}" to="a@b" type="unsubscribed"/>',
        f'<presence from="{AGENT}/aiox" to="a@b" type="unavailable"/>',
    ]


def test_the_greeting_says_that_no_person_writes_and_is_the_same_each_time() -> None:
    first, second = (to_text(greeting(AGENT, "alice@hub.test/x", CARD)) for _ in range(2))
    assert first == second
    assert "I am Ada" in first
    assert "not from a person" in first
    assert 'to="alice@hub.test"' in first
    assert '<store xmlns="urn:xmpp:hints"/>' in first
    assert to_text(greeting(AGENT, "bob@hub.test", CARD)).split("id=")[1] != first.split("id=")[1]
