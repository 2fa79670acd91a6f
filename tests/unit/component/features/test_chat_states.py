from __future__ import annotations

import pytest

from component.features.chat_states import CHAT_STATES, speaks_chat_states, state_message
from component.stanza_xml import to_text
from tests.unit.component.stanzas import AGENT, ALICE, message


@pytest.mark.parametrize("state", ["active", "composing", "gone"])
def test_any_state_shows_that_the_sender_knows_them(state: str) -> None:
    assert speaks_chat_states(message(f'<body>hi</body><{state} xmlns="{CHAT_STATES}"/>'))


def test_plain_message_does_not() -> None:
    assert not speaks_chat_states(message("<body>hi</body>"))


def test_state_alone_is_not_archived() -> None:
    assert to_text(state_message(AGENT, ALICE, "composing")) == (
        f'<message from="{AGENT}" to="{ALICE}" type="chat"><composing xmlns="{CHAT_STATES}"/>'
        '<no-store xmlns="urn:xmpp:hints"/></message>'
    )
