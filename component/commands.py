"""Commands at the XMPP door: by form at an agent or at the hub, and as text to the hub's own address.

The door knows no command. It asks whoever does them, keeps what a client has filled in so far, and renders the answer.
Text to an agent is a message like any other: the orchestrator sees that it is a command, in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from aiox.kernel.command import CommandAnswered, CommandAsked
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import derived_id, turn_id_of
from aiox.kernel.jid import bare, domain, local_part
from aiox.runtime.clock import Clock
from aiox.runtime.desk import Ask, DeskAway
from aiox.runtime.logs import Log, describe
from component.admission import Send
from component.buckets import Buckets
from component.command_sessions import Session, Sessions
from component.errors import error_reply
from component.features.acd import acd_error
from component.features.commands import (
    BadStep,
    Step,
    answer_cancel,
    answer_names,
    answer_step,
    asks_command,
    asks_commands,
    bad_step,
    read_step,
    typed,
)
from component.features.receipts import asks_receipt, receipt
from component.hub_chat import hub_answer, written_command
from component.loop_guard import hops_of
from component.stanzas_in import is_conversation, message_fault, vouched_sender

WAITING: Final = 512
REQUESTS_PER_MINUTE: Final = 120
REQUEST_BURST: Final = 60

Draw = Callable[[], UUID]


def is_command(stanza: Element) -> bool:
    """Whether this stanza is taken here: about commands, or a message to the hub itself."""
    if asks_command(stanza) or asks_commands(stanza):
        return True
    to_hub = stanza.tag.endswith("}message") and not local_part(stanza.get("to", ""))
    return to_hub and is_conversation(stanza)


class CommandDoor:
    """Each command gets an answer. Start several tasks of `work`."""

    def __init__(
        self,
        ask: Ask,
        send: Send,
        agents_domain: str,
        draw: Draw,
        clock: Clock,
        log: Log,
        proof: Callable[[str], str] = lambda _: "",
    ) -> None:
        """`proof`: how the domain of an address was proven (PeerDoor.proof)."""
        self._desk = ask
        self._proof = proof
        self._send = send
        self._agents_domain = agents_domain
        self._draw = draw
        self._clock = clock
        self._log = log
        self._sessions = Sessions()
        self._buckets = Buckets(REQUESTS_PER_MINUTE, REQUEST_BURST)
        self._waiting: asyncio.Queue[Element] = asyncio.Queue(WAITING)

    async def _ask(self, asked: CommandAsked) -> CommandAnswered:
        return await self._desk(replace(asked, proof=self._proof(asked.sender)))

    def takes(self, stanza: Element) -> bool:
        """Takes a stanza about commands; False for all others."""
        if not is_command(stanza):
            return False
        self._receive(stanza)
        return True

    def _receive(self, stanza: Element) -> None:
        """A program is not answered: two hubs would explain their commands to each other for ever."""
        sender = vouched_sender(stanza)
        if sender is None or domain(sender.bare) == self._agents_domain or hops_of(stanza) is not None:
            return
        if self._waiting.full() or not self._buckets.take(sender.bare, self._clock.monotonic()):
            self._send(error_reply(stanza, ErrorCode.RATE_LIMITED))
            return
        self._waiting.put_nowait(stanza)

    async def work(self) -> None:
        """Answers what waits, until cancelled."""
        while True:
            stanza = await self._waiting.get()
            try:
                for reply in await self._answer(stanza):
                    self._send(reply)
            except DeskAway as away:
                self._log.warning("command_not_done", error=str(away))
                self._send(error_reply(stanza, ErrorCode.HUB_BUSY))
            except Exception as failed:  # noqa: BLE001 -- the boundary: one bad command must not end the door
                self._log.error("command_failed", error=describe(failed))
                self._send(error_reply(stanza, ErrorCode.INTERNAL))

    async def _answer(self, stanza: Element) -> list[Element]:
        if asks_command(stanza):
            return [await self._step(stanza)]
        if asks_commands(stanza):
            answered = await self._ask(_asked(stanza, ""))
            found = answer_names(stanza, answered.names)
            return [acd_error(stanza, "cancel", "item-not-found") if found is None else found]
        return await self._heard(stanza)

    async def _step(self, query: Element) -> Element:
        """One step of a command (XEP-0050 section 2.4)."""
        try:
            step = read_step(query)
        except BadStep as bad:
            return bad_step(query, bad.condition)
        before = None
        if step.session:
            before = self._sessions.take(
                step.session, query.get("from", ""), query.get("to", ""), self._clock.monotonic()
            )
            if before is None or before.name != step.node:
                return bad_step(query, "bad-sessionid")
        if step.cancels:
            return answer_cancel(query, step.session)
        values = {} if before is None else {**before.values, **typed(step.values, before.form)}
        session = step.session or str(self._draw())
        key = str(derived_id(self._draw(), session))
        answered = await self._ask(_asked(query, step.node, values=values, key=key))
        if answered.error_code and answered.error_code in _AS_STANZA:
            return error_reply(query, ErrorCode(answered.error_code))
        if answered.form:
            self._keep(session, query, step, values, answered)
        return answer_step(query, session, answered)

    def _keep(
        self, session: str, query: Element, step: Step, values: dict[str, str], answered: CommandAnswered
    ) -> None:
        now, asker, address = self._clock.monotonic(), query.get("from", ""), query.get("to", "")
        self._sessions.put(session, Session(asker, address, step.node, values, answered.form, now))

    async def _heard(self, message: Element) -> list[Element]:
        """A message to the hub itself: a command, or whatever else, which is answered with the list of commands."""
        fault = message_fault(message)
        if fault is not None:
            return [error_reply(message, fault)]
        name, words, body, message_id = written_command(message)
        sender = bare(message.get("from", ""))
        key = turn_id_of(sender, self._agents_domain, message_id, body) if message_id else self._draw()
        answered = await self._ask(_asked(message, name, words, written=True, key=str(key)))
        if answered.error_code in _AS_STANZA:
            return [error_reply(message, ErrorCode(answered.error_code))]
        received = [receipt(message)] if asks_receipt(message) else []
        return [*received, hub_answer(message, answered.text, str(derived_id(key, "answer")))]


_AS_STANZA: Final = frozenset(
    str(code) for code in (ErrorCode.ACCESS_DENIED, ErrorCode.HUB_BUSY, ErrorCode.INTERNAL, ErrorCode.RATE_LIMITED)
)
"""Refusals that are errors of the stanza; others are the command's own, and told in words."""


def _asked(
    stanza: Element,
    name: str,
    words: str = "",
    *,
    values: dict[str, str] | None = None,
    written: bool = False,
    key: str = "",
) -> CommandAsked:
    return CommandAsked(stanza.get("from", ""), bare(stanza.get("to", "")), name, words, values or {}, written, key)
