"""Commands and their answers read back as what was written."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.command import CommandAnswered, CommandAsked, CommandName, FieldKind, FormField, Option
from aiox.kernel.envelope import Envelope
from aiox.wire.codec import NotAnEvent, decode, encode
from aiox.wire.v1 import events_pb2 as pb

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
OPTIONS = st.lists(st.builds(Option, TEXT, TEXT), max_size=3).map(tuple)
FIELDS = st.builds(FormField, TEXT, TEXT, st.sampled_from(FieldKind), TEXT, st.booleans(), OPTIONS)
SAID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ASKED = st.builds(CommandAsked, SAID, SAID, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=3), st.booleans(), TEXT)
ANSWERED = st.builds(
    CommandAnswered,
    TEXT,
    TEXT,
    TEXT,
    st.lists(FIELDS, max_size=3).map(tuple),
    st.booleans(),
    st.lists(st.builds(CommandName, TEXT, TEXT), max_size=3).map(tuple),
)


def around(payload: CommandAsked | CommandAnswered) -> bytes:
    event, now = uuid4(), datetime(2026, 1, 2, tzinfo=UTC)
    return encode(Envelope(event, "command", 1, None, "xmpp", event, event, now, "test", "", payload))  # type: ignore[arg-type]


@given(ASKED | ANSWERED)
def test_it_comes_back(payload: CommandAsked | CommandAnswered) -> None:
    assert decode(around(payload)).payload == payload


@pytest.mark.parametrize(("sender", "address"), [("", "agents.example"), ("ada@example/phone", "")])
def test_a_command_without_sender_or_address_is_no_event(sender: str, address: str) -> None:
    with pytest.raises(NotAnEvent):
        decode(around(CommandAsked(sender, address, "help")))


def test_a_field_of_an_unknown_kind_is_no_event() -> None:
    message = pb.Envelope.FromString(around(CommandAnswered(form=(FormField("a", "A"),))))
    message.command_answered.form[0].kind = "hologram"
    with pytest.raises(NotAnEvent):
        decode(message.SerializeToString())
