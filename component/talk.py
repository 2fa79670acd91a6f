"""What is said around messages: typing, markers, and how an answer is worded for a chat.

Chat states (XEP-0085) are shown over long work, and always ended: by the answer, by "paused", or at the latest when the
question is not waited for any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.jid import bare
from aiox.runtime.clock import Clock
from component.asked import Asked, Open
from component.features.chat_states import state_message
from component.features.correction import add_replace
from component.features.delay import add_delay
from component.features.markers import asks_marker, displayed
from component.features.quoting import MAX_BODY_BYTES, add_reply, excerpt
from component.loop_guard import add_hops, hops_of
from component.notices import Notices, Shown
from component.stanzas_in import Question
from component.stanzas_out import stanzas_of

TICK_S: Final = 2.0
TELL_S: Final = 20.0
"""Clients take "composing" back by themselves after half a minute or so."""
BUSY_S: Final = 15.0
"""A turn that runs for longer shows in the agent's presence."""


class Talk:
    """The conversations of this process. `run` is a task to start once."""

    def __init__(self, clock: Clock, notices: Notices | None = None) -> None:
        self._clock = clock
        self._asked = Asked()
        self._notices = notices or Notices()

    def admitted(self, question: Question) -> list[Element]:
        """What the sender of a new message is told: that it is read and worked on, or nothing yet."""
        received = question.received
        one = Open(
            turn_id=received.turn_id,
            agent=received.agent_jid,
            sender=received.sender_full,
            contact=received.sender,
            message_id=question.stanza.get("id", ""),
            reply_id=received.message_id,
            kind=received.stanza_type,
            quoted=excerpt(received.body),
            wants_states=question.wants_states,
            wants_marker=asks_marker(question.stanza),
            hops=hops_of(question.stanza) or 0,
        )
        self._notices.heard(one, self._clock.monotonic())
        starts = self._asked.add(one, self._clock.monotonic())
        told = [_displayed(one)] if starts and one.wants_marker else []
        if one.wants_states:
            told.append(state_message(one.agent, one.sender, "composing"))
        return told

    def known(self, ready: OutboxReady) -> list[Element]:
        """A message has had its answer before: nothing else will come for it."""
        before = self._follows(ready)
        if self._asked.worked_on(ready.turn_id):
            self._notices.end((bare(ready.from_jid), bare(ready.to_jid)))
        ended = self._asked.ended(ready.turn_id, ready.reply_to_id, self._clock.monotonic())
        return [*([_paused(ready)] if before else []), *self._begun(ended.starts)]

    def answered(self, envelope: Envelope[OutboxReady]) -> tuple[list[Element], list[Element]]:
        """The stanzas of an outbox row, and what goes out behind them. The ids of the first are always the same."""
        ready, follows = envelope.payload, self._follows(envelope.payload)
        notice = self._notice_of(ready)
        ended = self._asked.ended(ready.turn_id, ready.reply_to_id, self._clock.monotonic())
        stanzas = stanzas_of(ready)
        if ready.kind == "answer":
            if ended.others_wait and ready.reply_to_id and len(ready.body.encode()) <= MAX_BODY_BYTES:
                add_reply(stanzas[0], bare(ready.to_jid), ready.reply_to_id, ended.quoted)
            _stamp(stanzas, envelope.occurred_at, self._clock.now())
            add_hops(stanzas[0], ended.hops + 1)
            if notice is not None and notice.last:
                add_replace(stanzas[0], notice.id)
        behind = self._begun(ended.starts)
        if notice is not None and ready.kind == "error":
            behind.insert(0, self._notices.without_answer(notice, ready.body))
        # An answer carries <active/>; an error carries no state, so "composing" is ended behind it.
        return stanzas, [_paused(ready), *behind] if follows and ready.kind == "error" else behind

    def learn(self, answer: Element) -> bool:
        """Hears what a client says it can do; False when an iq is none that was asked for here."""
        return self._notices.learn(answer)

    def _notice_of(self, ready: OutboxReady) -> Shown | None:
        """The notice that this row ends. A row beside the turn that runs is one more message in the conversation."""
        pair = (bare(ready.from_jid), bare(ready.to_jid))
        if ready.kind in ("answer", "error") and self._asked.worked_on(ready.turn_id):
            return self._notices.end(pair)
        self._notices.spoken(pair)
        return None

    def tick(self) -> list[Element]:
        """Says again that work goes on, tells of long work, and ends what is not waited for any more."""
        now = self._clock.monotonic()
        dropped = self._asked.drop(now)
        lost = [state_message(one.agent, one.sender, "paused") for one in dropped if one.wants_states]
        for one in dropped:
            self._notices.end((one.agent, one.contact))
        again = self._asked.to_tell(now, TELL_S)
        notices = self._notices.due(self._asked.working(now), now)
        return [*lost, *(state_message(one.agent, one.sender, "composing") for one in again), *notices]

    def stop(self) -> list[Element]:
        """Ends everything: this process will not say more of it."""
        lost = self._asked.drop(self._clock.monotonic(), 0.0)
        return [state_message(one.agent, one.sender, "paused") for one in lost if one.wants_states]

    async def run(self, send: Callable[[Element], bool], busy: Callable[[set[tuple[str, str]]], None]) -> None:
        """Ticks, and tells which agents have been working for whom for long. For ever."""
        while True:
            await asyncio.sleep(TICK_S)
            for told in self.tick():
                send(told)
            busy(self._asked.running(self._clock.monotonic(), BUSY_S))

    def _follows(self, ready: OutboxReady) -> bool:
        return self._asked.wants_states(ready.turn_id)

    def _begun(self, questions: tuple[Open, ...]) -> list[Element]:
        told = [_displayed(one) for one in questions if one.wants_marker]
        last = questions[-1] if questions else None
        if last is not None and last.wants_states:
            told.append(state_message(last.agent, last.sender, "composing"))
        return told


def _displayed(one: Open) -> Element:
    return displayed(one.agent, one.sender, one.message_id, one.kind)


def _paused(ready: OutboxReady) -> Element:
    return state_message(ready.from_jid, ready.to_jid, "paused")


def _stamp(stanzas: list[Element], given_at: datetime, now: datetime) -> None:
    for one in stanzas:
        add_delay(one, given_at, now)
