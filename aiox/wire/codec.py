"""Words of the kernel to bytes of NATS, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from google.protobuf.message import DecodeError

from aiox.kernel.command import CommandAnswered, CommandAsked
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
from aiox.wire.commands import answered_message, answered_of, asked_message, asked_of
from aiox.wire.v1 import events_pb2 as pb

Event = (
    MessageReceived
    | OutboxReady
    | WorkerBeat
    | LiveDelta
    | LiveWanted
    | Pressure
    | CancelAsked
    | CommandAsked
    | CommandAnswered
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class NotAnEvent(Exception):
    """The bytes are not an envelope of this version."""


def encode(
    envelope: Envelope[MessageReceived]
    | Envelope[OutboxReady]
    | Envelope[WorkerBeat]
    | Envelope[LiveDelta]
    | Envelope[LiveWanted]
    | Envelope[Pressure]
    | Envelope[CancelAsked]
    | Envelope[CommandAsked]
    | Envelope[CommandAnswered],
) -> bytes:
    """The bytes of an event."""
    message = pb.Envelope(
        id=str(envelope.id),
        type=envelope.type,
        version=envelope.version,
        tenant=str(envelope.tenant or ""),
        channel=envelope.channel,
        correlation_id=str(envelope.correlation_id),
        causation_id=str(envelope.causation_id),
        occurred_at_us=(envelope.occurred_at - _EPOCH) // timedelta(microseconds=1),
        producer=envelope.producer,
        traceparent=envelope.traceparent,
    )
    payload = envelope.payload
    if isinstance(payload, MessageReceived):
        message.message_received.CopyFrom(_message_received(payload))
    elif isinstance(payload, OutboxReady):
        message.outbox_ready.CopyFrom(_outbox_ready(payload))
    elif isinstance(payload, Pressure):
        message.pressure.CopyFrom(_pressure(payload))
    elif isinstance(payload, LiveDelta):
        message.live_delta.CopyFrom(_live_delta(payload))
    elif isinstance(payload, LiveWanted):
        message.live_wanted.CopyFrom(pb.LiveWanted(jid=payload.jid))
    elif isinstance(payload, CommandAsked):
        message.command_asked.CopyFrom(asked_message(payload))
    elif isinstance(payload, CommandAnswered):
        message.command_answered.CopyFrom(answered_message(payload))
    elif isinstance(payload, CancelAsked):
        message.cancel_asked.CopyFrom(pb.CancelAsked(turn_id=str(payload.turn_id)))
    else:
        message.worker_beat.CopyFrom(_worker_beat(payload))
    return message.SerializeToString()


def decode(data: bytes) -> Envelope[Event]:
    """The event in the bytes. Raises NotAnEvent."""
    try:
        message = pb.Envelope.FromString(data)
        return Envelope(
            id=UUID(message.id),
            type=message.type,
            version=message.version,
            tenant=OwnerId(UUID(message.tenant)) if message.tenant else None,
            channel=message.channel,
            correlation_id=UUID(message.correlation_id),
            causation_id=UUID(message.causation_id),
            occurred_at=_EPOCH + timedelta(microseconds=message.occurred_at_us),
            producer=message.producer,
            traceparent=message.traceparent,
            payload=_payload(message),
        )
    except (DecodeError, ValueError, OverflowError) as wrong:
        raise NotAnEvent(str(wrong)) from wrong


def _payload(message: pb.Envelope) -> Event:
    kind = message.WhichOneof("payload")
    if kind == "message_received":
        received = message.message_received
        return MessageReceived(
            sender_full=received.sender_jid,
            sender=bare(received.sender_jid),
            agent_jid=BareJid(received.agent_jid),
            agent_id=AgentId(UUID(received.agent_id)),
            message_id=received.message_id,
            turn_id=TurnId(UUID(received.turn_id)),
            body=received.body,
            stanza_type=received.stanza_type,
            thread=received.thread,
            response_schema=received.response_schema,
            attachments=tuple(Attachment(one.url, one.name, one.media_type, one.bytes) for one in received.attachments),
            about=received.about,
            question=_question_of(received),
            proof=received.proof,
        )
    if kind == "outbox_ready":
        return _outbox_ready_of(message.outbox_ready)
    if kind == "pressure":
        said = message.pressure
        return Pressure(said.orchestrator, said.waiting, said.places, said.per_second)
    if kind == "worker_beat":
        beat = message.worker_beat
        return WorkerBeat(
            worker_id=beat.worker_id,
            host=beat.host,
            port=beat.port,
            pool=beat.pool,
            status=beat.status,
            active_requests=beat.active_requests,
            capacity=beat.capacity,
            mean_latency_ms=beat.mean_latency_ms,
            memory_bytes=beat.memory_bytes,
        )
    if kind == "live_delta":
        return _live_delta_of(message.live_delta)
    if kind == "live_wanted":
        return LiveWanted(BareJid(message.live_wanted.jid))
    if kind == "command_asked":
        return asked_of(message.command_asked)
    if kind == "command_answered":
        return answered_of(message.command_answered)
    if kind == "cancel_asked":
        return CancelAsked(TurnId(UUID(message.cancel_asked.turn_id)))
    raise NotAnEvent(f"no payload this hub knows: {kind}")


def _message_received(received: MessageReceived) -> pb.MessageReceived:
    return pb.MessageReceived(
        sender_jid=received.sender_full,
        agent_jid=received.agent_jid,
        agent_id=str(received.agent_id),
        message_id=received.message_id,
        turn_id=str(received.turn_id),
        body=received.body,
        stanza_type=received.stanza_type,
        thread=received.thread,
        response_schema=received.response_schema,
        attachments=[_attachment(one) for one in received.attachments],
        about=received.about,
        question=_question(received.question),
        proof=received.proof,
    )


def _question(question: Question | None) -> pb.AgentQuestion | None:
    if question is None:
        return None
    return pb.AgentQuestion(
        call_id=str(question.call),
        correlation_id=str(question.correlation),
        chain=[str(agent) for agent in question.chain],
        timeout_ms=question.timeout_ms,
    )


def _question_of(event: pb.MessageReceived | pb.OutboxReady) -> Question | None:
    if not event.HasField("question"):
        return None
    said = event.question
    return Question(UUID(said.call_id), UUID(said.correlation_id), tuple(map(UUID, said.chain)), said.timeout_ms)


def _outbox_ready(ready: OutboxReady) -> pb.OutboxReady:
    return pb.OutboxReady(
        outbox_id=str(ready.outbox_id),
        turn_id=str(ready.turn_id),
        owner_user_id=str(ready.owner),
        from_jid=ready.from_jid,
        to_jid=ready.to_jid,
        kind=ready.kind,
        body=ready.body,
        error_code=ready.error_code,
        stanza_id=ready.stanza_id,
        reply_to_id=ready.reply_to_id,
        stanza_type=ready.stanza_type,
        thread=ready.thread,
        part=ready.part,
        priority=ready.priority,
        turn_data=None if ready.data is None else _turn_data(ready.data),
        file=None if ready.file is None else _attachment(ready.file),
        name=ready.name,
        approvals=ready.approvals,
        question=_question(ready.question),
    )


def _outbox_ready_of(ready: pb.OutboxReady) -> OutboxReady:
    return OutboxReady(
        outbox_id=UUID(ready.outbox_id),
        turn_id=TurnId(UUID(ready.turn_id)),
        owner=OwnerId(UUID(ready.owner_user_id)),
        from_jid=ready.from_jid,
        to_jid=ready.to_jid,
        kind=ready.kind,
        body=ready.body,
        error_code=ready.error_code,
        stanza_id=ready.stanza_id,
        reply_to_id=ready.reply_to_id,
        stanza_type=ready.stanza_type,
        thread=ready.thread,
        part=ready.part,
        priority=ready.priority,
        data=_turn_data_of(ready),
        file=_file_of(ready),
        name=ready.name,
        approvals=tuple(ready.approvals),
        question=_question_of(ready),
    )


def _attachment(file: Attachment) -> pb.Attachment:
    return pb.Attachment(url=file.url, name=file.name, media_type=file.media_type, bytes=file.bytes)


def _file_of(ready: pb.OutboxReady) -> Attachment | None:
    if not ready.HasField("file"):
        return None
    return Attachment(ready.file.url, ready.file.name, ready.file.media_type, ready.file.bytes)


def _turn_data(data: TurnData) -> pb.TurnData:
    return pb.TurnData(
        version=data.version,
        platform_ms=data.platform_ms,
        worker_ms=data.worker_ms,
        tokens=data.tokens,
        sources=[pb.Source(title=one.title, section=one.section) for one in data.sources],
    )


def _turn_data_of(ready: pb.OutboxReady) -> TurnData | None:
    if not ready.HasField("turn_data"):
        return None
    data = ready.turn_data
    sources = tuple(Source(one.title, one.section) for one in data.sources)
    return TurnData(data.version, data.platform_ms, data.worker_ms, data.tokens, sources)


def _pressure(said: Pressure) -> pb.Pressure:
    return pb.Pressure(
        orchestrator=said.orchestrator, waiting=said.waiting, places=said.places, per_second=said.per_second
    )


def _worker_beat(beat: WorkerBeat) -> pb.WorkerBeat:
    return pb.WorkerBeat(
        worker_id=beat.worker_id,
        host=beat.host,
        port=beat.port,
        pool=beat.pool,
        status=beat.status,
        active_requests=beat.active_requests,
        capacity=beat.capacity,
        mean_latency_ms=beat.mean_latency_ms,
        memory_bytes=beat.memory_bytes,
    )


def _live_delta(delta: LiveDelta) -> pb.LiveDelta:
    return pb.LiveDelta(
        turn_id=str(delta.turn_id),
        attempt=delta.attempt,
        offset=delta.offset,
        text=delta.text,
        ended=delta.ended,
        agent_jid=delta.agent_jid or "",
    )


def _live_delta_of(delta: pb.LiveDelta) -> LiveDelta:
    agent = BareJid(delta.agent_jid) if delta.agent_jid else None
    return LiveDelta(TurnId(UUID(delta.turn_id)), delta.attempt, delta.offset, delta.text, delta.ended, agent)
