"""What our agents ask agents of other hubs: which answers are waited for, and handing them to the hub.

An answer comes from the very address that was asked, or it is none. It is no message to the agent: no turn begins with
it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.envelope import ANSWERED, XMPP, Envelope, MessageReceived
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import TurnId, agent_id_of
from aiox.kernel.jid import BareJid, bare
from aiox.kernel.question import LONGEST_MS, PREFIX
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from aiox.wire.codec import encode
from component.features.questions import ASK, answered_by
from component.link import Link
from component.stanza_xml import COMPONENT, STANZAS, child, kind_of
from component.stanzas_in import body_of

OPEN: Final = 4096
"""Questions that are remembered; beyond that the oldest are forgotten, and their answers go the way of any message."""
WAITING: Final = 512

Publish = Callable[[bytes], Awaitable[None]]
"""Tells all orchestrators. Raises what the bus raises."""


class Questions:
    """A link for the outbox that notes which questions went out. `work` is a task to start once."""

    def __init__(self, link: Link, publish: Publish, clock: Clock, log: Log) -> None:
        self._link = link
        self._publish = publish
        self._clock = clock
        self._log = log
        self._open: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._answers: asyncio.Queue[MessageReceived] = asyncio.Queue(WAITING)

    @property
    def up(self) -> bool:
        """See Link."""
        return self._link.up

    @property
    def session(self) -> int:
        """See Link."""
        return self._link.session

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        """See Link."""
        return await self._link.confirm(timeout_s, entries=entries)

    def send(self, element: Element) -> bool:
        """See Link. A question is remembered by its id and whom it was sent to."""
        if child(element, ASK, "ask") is not None:
            self._open[bare(element.get("to", "")), element.get("id", "")] = self._clock.monotonic()
            if len(self._open) > OPEN:
                self._open.popitem(last=False)
        return self._link.send(element)

    def expects(self, stanza: Element) -> bool:
        """Takes the answer to a question that went out here, whatever its sender may do otherwise: we have asked."""
        if kind_of(stanza) != "message" or not (asked := answered_by(stanza)):
            return False
        began = self._open.pop((bare(stanza.get("from", "")), asked), None)
        if began is None or self._clock.monotonic() - began > LONGEST_MS / 1000:
            return False
        return self._take(stanza, asked)

    def takes(self, stanza: Element) -> bool:
        """Takes any other answer: to a question that another process has sent, or to none. No turn begins with it."""
        if kind_of(stanza) != "message" or not (asked := answered_by(stanza)):
            return False
        return stanza.get("type") != "error" and self._take(stanza, asked)

    def _take(self, stanza: Element, asked: str) -> bool:
        found = _answer(stanza, asked)
        if found is None or self._answers.full():
            self._log.warning("agents_answer_dropped", malformed=found is None)
        else:
            self._answers.put_nowait(found)
        return True

    async def work(self) -> None:
        """Hands answers on, until cancelled. One that is lost costs the question its time, and nothing else."""
        while True:
            found = await self._answers.get()
            event = Envelope(
                id=uuid4(),
                type=ANSWERED,
                version=1,
                tenant=None,
                channel=XMPP,
                correlation_id=found.turn_id,
                causation_id=found.turn_id,
                occurred_at=self._clock.now(),
                producer="component",
                traceparent="",
                payload=found,
            )
            try:
                await self._publish(encode(event))
            except Exception as failed:  # noqa: BLE001 -- the bus may be away; the question ends by itself
                self._log.warning("agents_answer_not_told", error=describe(failed))


def _answer(stanza: Element, asked: str) -> MessageReceived | None:
    """None when it names no call, or comes from nowhere."""
    try:
        sender, agent, call = JID(stanza.get("from", "")), JID(stanza.get("to", "")), UUID(asked.removeprefix(PREFIX))
    except (InvalidJID, ValueError):
        return None
    is_error = stanza.get("type") == "error"
    return MessageReceived(
        sender_full=str(sender),
        sender=BareJid(sender.bare),
        agent_jid=BareJid(agent.bare),
        agent_id=agent_id_of(agent.local),
        message_id=asked,
        turn_id=TurnId(call),
        body=_reason(stanza) if is_error else body_of(stanza),
        stanza_type="error" if is_error else "chat",
        thread="",
    )


def _reason(stanza: Element) -> str:
    """What the other side says of why not."""
    error = child(stanza, COMPONENT, "error")
    text = None if error is None else child(error, STANZAS, "text")
    return (text.text or "") if text is not None else SENTENCES[ErrorCode.ACCESS_DENIED]
