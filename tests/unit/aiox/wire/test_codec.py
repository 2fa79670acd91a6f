"""Every event reads back as what was written; anything else is refused as no event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.envelope import (
    Attachment,
    CancelAsked,
    Envelope,
    LiveDelta,
    LiveWanted,
    MessageReceived,
    OutboxReady,
    Pressure,
    Source,
    TurnData,
    WorkerBeat,
)
from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.kernel.jid import BareJid, bare
from aiox.kernel.question import Question
from aiox.wire.codec import NotAnEvent, decode, encode
from aiox.wire.v1 import events_pb2 as pb

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
COUNT = st.integers(0, 2**32 - 1)
INSTANT = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


def attachment() -> st.SearchStrategy[Attachment]:
    return st.builds(Attachment, TEXT, TEXT, TEXT, st.integers(0, 2**63))


@st.composite
def received(draw: Any) -> MessageReceived:
    full = draw(TEXT)
    agent, turn = AgentId(draw(st.uuids())), TurnId(draw(st.uuids()))
    to, message, body, kind, thread, about, form, proof = [draw(TEXT) for _ in range(8)]
    files = tuple(draw(st.lists(attachment(), max_size=3)))
    names = full, bare(full), BareJid(to), agent, message, turn
    asked = draw(st.none() | question())
    return MessageReceived(
        *names, body, kind, thread, attachments=files, about=about, response_schema=form, question=asked, proof=proof
    )


def question() -> st.SearchStrategy[Question]:
    return st.builds(Question, st.uuids(), st.uuids(), st.lists(st.uuids(), max_size=3).map(tuple), COUNT)


@st.composite
def turn_data(draw: Any) -> TurnData:
    sources = draw(st.lists(st.builds(Source, TEXT, TEXT), max_size=3))
    return TurnData(draw(COUNT), draw(COUNT), draw(COUNT), draw(st.integers(0, 2**63)), tuple(sources))


@st.composite
def ready(draw: Any) -> OutboxReady:
    outbox, turn, owner = draw(st.uuids()), TurnId(draw(st.uuids())), OwnerId(draw(st.uuids()))
    names = ("from_jid", "to_jid", "kind", "body", "error_code", "stanza_id", "reply_to_id", "stanza_type", "thread")
    texts = {name: draw(TEXT) for name in names}
    data = draw(st.none() | turn_data())
    file, weight = draw(st.none() | attachment()), draw(st.floats(0, 1))
    names_of = tuple(draw(st.lists(TEXT, max_size=2)))
    more = {"approvals": names_of, "question": draw(st.none() | question())}
    return OutboxReady(outbox, turn, owner, part=draw(COUNT), priority=weight, data=data, file=file, **more, **texts)


@st.composite
def pressure(draw: Any) -> Pressure:
    return Pressure(draw(TEXT), draw(COUNT), draw(COUNT), draw(st.floats(0, 1e9)))


@st.composite
def beat(draw: Any) -> WorkerBeat:
    latency = draw(st.floats(0, 1e9))
    counts = [draw(COUNT) for _ in range(4)]
    words = [draw(TEXT) for _ in range(4)]
    return WorkerBeat(words[0], words[1], counts[0], words[2], words[3], counts[1], counts[2], latency, counts[3])


@st.composite
def delta(draw: Any) -> LiveDelta:
    agent = draw(st.none() | TEXT.filter(bool).map(BareJid))
    return LiveDelta(
        TurnId(draw(st.uuids())), draw(st.integers(0, 2**63)), draw(COUNT), draw(TEXT), draw(st.booleans()), agent
    )


@st.composite
def wanted(draw: Any) -> LiveWanted:
    return LiveWanted(BareJid(draw(TEXT)))


@st.composite
def cancel(draw: Any) -> CancelAsked:
    return CancelAsked(TurnId(draw(st.uuids())))


@st.composite
def envelopes(draw: Any) -> Envelope[Any]:
    return Envelope(
        id=draw(st.uuids()),
        type=draw(TEXT),
        version=draw(COUNT),
        tenant=draw(st.none() | st.uuids()),
        channel=draw(TEXT),
        correlation_id=draw(st.uuids()),
        causation_id=draw(st.uuids()),
        occurred_at=draw(INSTANT),
        producer=draw(TEXT),
        traceparent=draw(TEXT),
        payload=draw(received() | ready() | beat() | delta() | wanted() | pressure() | cancel()),
    )


@given(envelopes())
def test_reads_back_what_was_written(envelope: Envelope[Any]) -> None:
    assert decode(encode(envelope)) == envelope


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(data: bytes) -> None:
    try:
        envelope = decode(data)
    except NotAnEvent:
        return
    assert isinstance(envelope.id, UUID)


def whole() -> pb.Envelope:
    some = str(UUID(int=1))
    message = pb.Envelope(id=some, correlation_id=some, causation_id=some)
    message.worker_beat.worker_id = "w"
    return message


@pytest.mark.control
def test_the_message_that_the_refused_ones_start_from_is_read() -> None:
    assert isinstance(decode(whole().SerializeToString()).payload, WorkerBeat)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda message: message.ClearField("id"),
        lambda message: message.ClearField("correlation_id"),
        lambda message: message.ClearField("worker_beat"),
        lambda message: setattr(message, "tenant", "nobody"),
        lambda message: setattr(message, "occurred_at_us", 2**62),
        lambda message: message.message_received.SetInParent(),
        lambda message: message.command_asked.SetInParent(),
    ],
    ids=["no id", "no correlation id", "no payload", "tenant no uuid", "no such year", "empty message", "a command"],
)
def test_an_incomplete_event_is_refused(spoil: Any) -> None:
    message = whole()
    spoil(message)
    with pytest.raises(NotAnEvent):
        decode(message.SerializeToString())
