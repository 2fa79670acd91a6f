"""One light client: asks when it is told to, sends again what was not receipted, comes back after a crash."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final
from xml.etree.ElementTree import Element, tostring

from aiox.cli.chat.client import AIOX_ERROR, RECEIPTS, SID
from aiox.cli.chat.stream import CLIENT, ChatTrouble, Stream
from bench.light_client import Login
from bench.load.journal import Journal, Message
from bench.load.plan import marks

RESEND_S: Final = 6.0
"""Without a receipt for this long, a message is sent again: the door answers within 5 s, if only that it is busy."""
BUSY_S: Final = 1.0
"""After an error of type wait."""
FIRST_PAUSE_S: Final = 0.3
LONGEST_PAUSE_S: Final = 2.0
_TICK_S: Final = 0.25


class Person:
    """One account with one connection at a time. Start `run`, then `say`."""

    def __init__(self, login: Login, now: Callable[[], float], resend: bool = True) -> None:
        self.login = login
        self._hosts = deque(login.hosts)
        self._resend = resend
        self.journal = Journal()
        self.now = now
        self._stream: Stream | None = None
        self.online = asyncio.Event()
        """Set while there is a connection."""

    async def run(self) -> None:
        """Stays logged in until cancelled: comes back whenever the connection breaks."""
        pause = FIRST_PAUSE_S
        try:
            while True:
                try:
                    lost = await self._log_in()
                except ChatTrouble:
                    self._hosts.rotate(-1)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
                    continue
                pause = FIRST_PAUSE_S
                await self._send_again_until(lost)
        finally:
            await self._log_out()

    def say(self, message_id: str, agent: str, body: str, scheduled: float) -> Message:
        """Sends a message now, or as soon as there is a connection."""
        message = Message(message_id, self.login.jid, agent, body, scheduled)
        self.journal.add(message)
        self._send(message)
        return message

    def say_again(self, message_id: str) -> None:
        """Sends a message once more under the same id, as a client that is not sure does."""
        message = self.journal.messages[message_id]
        self.journal.add(message)
        self._send(message)

    async def query(self, element: Element) -> Element:
        """Asks the own server (iq set). Raises ChatTrouble without a connection."""
        if self._stream is None:
            raise ChatTrouble("Not logged in. Mend: wait for `online`.")
        return await self._stream.query(element)

    async def _log_in(self) -> asyncio.Event:
        login = self.login
        stream = Stream(login.jid, login.password, self._hosts[0], login.port, login.ca, self._heard)
        await stream.open()
        lost = asyncio.Event()
        stream.on_lost(lost.set)
        self._stream = stream
        self.journal.logins += 1
        for message in self.journal.open.values():
            message.due = 0.0  # what was on its way when the connection broke may be gone
        self.online.set()
        return lost

    async def _log_out(self) -> None:
        self.online.clear()
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.close()

    async def _send_again_until(self, lost: asyncio.Event) -> None:
        while not lost.is_set():
            for message in self.journal.open.values():
                if message.due <= self.now() and (self._resend or not message.sent):
                    self._send(message)
            try:
                async with asyncio.timeout(_TICK_S):
                    await lost.wait()
            except TimeoutError:
                continue
        self.online.clear()
        if self._stream is not None:
            self._stream.drop()
            self._stream = None

    def _send(self, message: Message) -> None:
        if self._stream is None:
            return
        body = Element(f"{{{CLIENT}}}body")
        body.text = message.body
        extra = [body, Element(f"{{{SID}}}origin-id", {"id": message.id}), Element(f"{{{RECEIPTS}}}request")]
        try:
            self._stream.send(message.agent, message.id, extra)
        except ChatTrouble:
            return  # sent again with the next connection
        message.sent.append(self.now())
        message.due = self.now() + RESEND_S

    def _heard(self, stanza: Element) -> None:
        now = self.now()
        self.journal.stanzas.append((now, tostring(stanza, encoding="unicode")))
        received = stanza.find(f"{{{RECEIPTS}}}received")
        if received is not None:
            self.journal.receipt(received.get("id", ""), now)
        elif stanza.get("type") == "error":
            self._failed(stanza, now)
        else:
            for mark in marks(stanza.findtext(f"{{{CLIENT}}}body") or ""):
                if mark in self.journal.messages:
                    self.journal.messages[mark].answers.append((now, stanza.get("id", "")))

    def _failed(self, stanza: Element, now: float) -> None:
        asked = self.journal.messages.get(stanza.get("id", ""))
        error = stanza.find(f"{{{CLIENT}}}error")
        if asked is None or error is None:
            return
        condition = next((inner.tag.rpartition("}")[2] for inner in error), "undefined-condition")
        ours = error.find(f"{{{AIOX_ERROR}}}error-code")
        asked.errors.append((now, error.get("type", ""), condition, ours.get("code", "") if ours is not None else ""))
        if error.get("type") == "wait":
            asked.due = min(asked.due, now + BUSY_S)
