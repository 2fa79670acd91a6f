"""Admission: cheap checks, then durable storage, and only then the receipt (SPEC 4, steps 1 to 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import MESSAGE, XMPP, Envelope, MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import derived_id, partition_of
from aiox.runtime.clock import Clock
from aiox.runtime.crash import CrashPoint, Hook, no_hook
from aiox.runtime.crowding import Crowding
from aiox.runtime.logs import Log
from aiox.runtime.nats import inbound_subject
from aiox.runtime.steps import Step
from aiox.runtime.telemetry import Telemetry
from aiox.wire.codec import encode
from component.buckets import Buckets
from component.bus import Bus, BusBusy
from component.errors import error_reply
from component.features.muc import invitation_of
from component.features.receipts import receipt
from component.lanes import Lanes
from component.metrics import MESSAGES
from component.stanzas_in import Question, Refusal, Sender, is_conversation, read_message, vouched_sender
from component.talk import Talk

PARALLEL: Final = 128
"""Conversations that may wait for the bus at the same time."""

MAX_WAITING: Final = 8192
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
STOP_S: Final = 3.0

Send = Callable[[Element], bool]
"""Writes a stanza to the server; False when there is no link."""


@dataclass(frozen=True, slots=True)
class Chance:
    """What admission cannot know by itself: fresh ids, and whether to trace this message."""

    draw_id: Callable[[], UUID]
    sampled: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Waiting:
    question: Question
    traceparent: str


class Admission:
    """Takes message stanzas from the link and puts them on the bus, each conversation in order."""

    def __init__(
        self,
        bus: Bus,
        send: Send,
        buckets: Buckets,
        talk: Talk,
        telemetry: Telemetry,
        clock: Clock,
        log: Log,
        chance: Chance,
        crash: Hook = no_hook,
        crowding: Crowding | None = None,
        lets_in: Callable[[Question], bool] = lambda _: True,
        proof: Callable[[str], str] = lambda _: "",
    ) -> None:
        """`lets_in` says of a question whether it is asked at all; one that is not gets no answer, and no error.

        `proof`: how the domain of an address was proven (PeerDoor.proof).
        """
        self._bus = bus
        self._send = send
        self._buckets = buckets
        self._talk = talk
        self._telemetry = telemetry
        self._clock = clock
        self._log = log
        self._chance = chance
        self._crash = crash
        self._crowding = crowding or Crowding()
        self._lets_in = lets_in
        self._proof = proof
        self._closed = False
        self._lanes: Lanes[_Waiting] = Lanes(self._admit, MAX_WAITING, MAX_WAITING_BYTES)

    def receive(self, stanza: Element) -> None:
        """Takes one message stanza. Quick: what costs time happens in `work`."""
        if not is_conversation(stanza):
            return
        if not self._chance.sampled():
            self._enter(self._read(stanza, ""), "")
            return
        with self._telemetry.root("message") as traceparent:
            self._enter(self._read(stanza, traceparent), traceparent)

    def take(self, question: Question) -> None:
        """Takes what another part of the room has read out of a stanza: said in a room, or an invitation."""
        received = question.received
        self._enter(self._limited(question, Sender(received.sender_full, received.sender)), "")

    async def work(self) -> None:
        """One of the tasks that store messages; start PARALLEL of them."""
        await self._lanes.work()

    async def let_go(self, seconds: float) -> None:
        """Waits until all that came in is stored or refused, so many seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lanes.idle()

    async def close(self) -> None:
        """Takes no more messages and waits a few seconds for those that wait for the bus."""
        self._closed = True
        try:
            async with asyncio.timeout(STOP_S):
                await self._lanes.idle()
        except TimeoutError:
            self._log.warning("stopped_before_all_messages_were_stored")

    def _read(self, stanza: Element, traceparent: str) -> Question | Refusal | None:
        with self._telemetry.span(Step.RECEIVED, traceparent) as span:
            with self._telemetry.span(Step.VOUCHED, traceparent):
                sender = vouched_sender(stanza)
            if sender is None:
                MESSAGES.labels("UNVOUCHED").inc()
                return None
            found = read_message(stanza, sender, self._chance.draw_id)
            if isinstance(found, Question):
                span.set_attributes(_attributes(found.received))
        return self._limited(found, sender)

    def _limited(self, found: Question | Refusal, sender: Sender) -> Question | Refusal | None:
        if isinstance(found, Question) and not self._lets_in(found):
            return None
        if not self._buckets.take(sender.bare, self._clock.monotonic()):
            return Refusal(found.stanza, ErrorCode.RATE_LIMITED)
        return found

    def _enter(self, found: Question | Refusal | None, traceparent: str) -> None:
        if found is None:
            return
        if isinstance(found, Refusal):
            self._refuse(found.stanza, found.code)
            return
        received = replace(found.received, proof=self._proof(found.stanza.get("from", "")))
        waiting = _Waiting(replace(found, received=received), traceparent)
        let_in = self._crowding.lets_in(received.sender, received.agent_jid, self._clock.monotonic())
        room = (
            let_in
            and not self._closed
            and self._lanes.put((received.sender, received.agent_id), waiting, len(received.body.encode()))
        )
        if not room:
            self._refuse(found.stanza, ErrorCode.HUB_BUSY)

    async def _admit(self, waiting: _Waiting) -> None:
        question = waiting.question
        self._crash(CrashPoint.BEFORE_PUBLISH, question.received.body)
        try:
            with self._telemetry.span(Step.ADMITTED, waiting.traceparent, _attributes(question.received)):
                is_new = await self._store(question, waiting.traceparent)
        except BusBusy as busy:
            self._log.warning("bus_busy", error=str(busy), turn_id=str(question.received.turn_id))
            self._refuse(question.stanza, ErrorCode.HUB_BUSY)
        except asyncio.CancelledError:
            self._refuse(question.stanza, ErrorCode.HUB_BUSY)
            raise
        except Exception as bug:  # noqa: BLE001 -- the boundary: one bad message must not stop its lane
            self._log.error("admission_failed", turn_id=str(question.received.turn_id), exc_info=bug)
            self._refuse(question.stanza, ErrorCode.INTERNAL)
        else:
            self._crash(CrashPoint.AFTER_PUBLISH, question.received.body)
            self._confirm(question, is_new)
            await asyncio.sleep(0)  # lets the loop hand the receipt to the kernel
            self._crash(CrashPoint.AFTER_RECEIPT, question.received.body)

    async def _store(self, question: Question, traceparent: str) -> bool:
        received = question.received
        correlation = derived_id(received.turn_id, "correlation")
        envelope = Envelope(
            id=derived_id(received.turn_id, question.type),
            type=question.type,
            version=1,
            tenant=None,
            channel=XMPP,
            correlation_id=correlation,
            causation_id=correlation,
            occurred_at=self._clock.now(),
            producer="component",
            traceparent=traceparent,
            payload=received,
        )
        subject = inbound_subject(partition_of(received.sender, received.agent_id))
        return await self._bus.store(subject, encode(envelope), str(received.turn_id) if received.message_id else "")

    def _confirm(self, question: Question, is_new: bool) -> None:
        """The receipt, and that it is read and worked on: one that was stored before has had that already."""
        MESSAGES.labels("admitted").inc()
        if question.wants_receipt:
            self._send(receipt(question.stanza))
        in_room = question.received.stanza_type == "groupchat"
        for told in self._talk.admitted(question) if is_new and question.type == MESSAGE and not in_room else ():
            self._send(told)

    def _refuse(self, stanza: Element, code: ErrorCode) -> None:
        MESSAGES.labels(code.value).inc()
        # A room takes an error for the end of whoever sends it (XEP-0045, section 18.1.2).
        if stanza.get("type") != "groupchat" and invitation_of(stanza) is None:
            self._send(error_reply(stanza, code))


def _attributes(received: MessageReceived) -> dict[str, str]:
    correlation = derived_id(received.turn_id, "correlation")
    return {"aiox.turn_id": str(received.turn_id), "aiox.correlation_id": str(correlation)}
