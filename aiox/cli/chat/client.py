"""Questions to agents and their answers, over a client stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal
from uuid import uuid4
from xml.etree.ElementTree import Element

from aiox.cli.chat.stream import CLIENT, ChatTrouble, Stream
from aiox.kernel.errors import ErrorCode
from aiox.kernel.jid import bare

RECEIPTS: Final = "urn:xmpp:receipts"
CHAT_STATES: Final = "http://jabber.org/protocol/chatstates"
DELAY: Final = "urn:xmpp:delay"
SID: Final = "urn:xmpp:sid:0"
STANZAS: Final = "urn:ietf:params:xml:ns:xmpp-stanzas"
AIOX_ERROR: Final = "urn:aiox:error:0"

Sign = Literal["receipt", "composing", "paused"]
"""What an agent shows before it answers."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and how it ended. Times are in milliseconds since the question was written.

    `error_code` is empty for an answer; else the hub's code, or the XMPP condition of an error that the server itself
    sent, and `text` is the sentence for a person.
    """

    question_id: str
    receipt_ms: float | None
    answer_ms: float
    text: str
    error_code: str


@dataclass(slots=True)
class _Asked:
    agent: str
    asked_at: float
    done: asyncio.Future[tuple[str, str]]
    watch: Callable[[Sign], None]
    receipt_ms: float | None = None


class ConnectionLost(ChatTrouble):
    """The stream ended while an answer was awaited. The same question may be asked again under the same id."""


Overhear = Callable[[str, str], None]
"""Hears what nobody asked for: the bare JID of who says it, and the text."""


class ChatClient:
    """`async with ChatClient(...)` logs in and out. Raises ChatTrouble with one sentence when it cannot.

    `ca_file` is the PEM file the server's certificate is checked against; None for the system's own list.
    """

    def __init__(self, jid: str, password: str, host: str, port: int, ca_file: Path | None) -> None:
        self._account = (jid, password, host, port, ca_file)
        self._asked: dict[str, _Asked] = {}
        self._stream: Stream | None = None
        self._lost, self._back = asyncio.Event(), asyncio.Event()
        self.overhear: Overhear = lambda sender, text: None

    async def __aenter__(self) -> ChatClient:
        await self._log_in()
        return self

    async def lost(self) -> None:
        """Returns once the connection is gone."""
        await self._lost.wait()

    async def back(self) -> None:
        """Returns once there is a connection."""
        await self._back.wait()

    async def log_in_again(self) -> None:
        """A new connection in place of one that is lost. Raises ChatTrouble."""
        if self._stream is not None:
            self._stream.drop()
        await self._log_in()

    async def _log_in(self) -> None:
        stream = Stream(*self._account, self._arrived)
        await stream.open()
        self._stream = stream
        self._lost.clear()
        self._back.set()
        stream.on_lost(self._on_lost)

    def _on_lost(self) -> None:
        self._back.clear()
        self._lost.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            await self._stream.close()

    async def ask(
        self,
        agent_jid: str,
        text: str,
        timeout_s: float,
        watch: Callable[[Sign], None] = lambda _: None,
        question_id: str = "",
    ) -> Exchange:
        """Asks an agent and waits for its answer; `watch` hears what comes before. Raises ChatTrouble, ConnectionLost.

        An agent that does not answer in time is an Exchange with error code TIMEOUT. A question that is asked again
        under its id is answered once.
        """
        stream = self._logged_in()
        loop = asyncio.get_running_loop()
        question_id = question_id or str(uuid4())
        asked = _Asked(bare(agent_jid), loop.time(), loop.create_future(), watch)
        self._asked[question_id] = asked
        try:
            stream.send(agent_jid, question_id, _question(question_id, text))
            answer, code = await self._answer(stream, asked, timeout_s)
        finally:
            del self._asked[question_id]
        return Exchange(question_id, asked.receipt_ms, _since(asked), answer, code)

    async def _answer(self, stream: Stream, asked: _Asked, timeout_s: float) -> tuple[str, str]:
        def lost() -> None:
            if not asked.done.done():
                asked.done.set_exception(ConnectionLost("The connection to the XMPP server broke. Mend: ask again."))

        try:
            with stream.watched(lost):
                async with asyncio.timeout(timeout_s):
                    return await asked.done
        except TimeoutError:
            return f"No answer came within {timeout_s:g} s.", ErrorCode.TIMEOUT.value

    def _logged_in(self) -> Stream:
        if self._stream is None:
            raise ChatTrouble("Not logged in. Mend: use the client in 'async with'.")
        return self._stream

    def _arrived(self, message: Element) -> None:
        received = message.find(f"{{{RECEIPTS}}}received")
        if received is not None and (asked := self._asked.get(received.get("id", ""))) is not None:
            asked.receipt_ms = _since(asked)
            asked.watch("receipt")
            return
        asked = self._asked_by(message)
        if asked is None or asked.done.done():
            if (text := message.findtext(f"{{{CLIENT}}}body")) and message.get("type") != "error":
                self.overhear(bare(message.get("from", "")), text)
            return
        if message.get("type") == "error":
            asked.done.set_result(_error(message))
        elif (body := message.findtext(f"{{{CLIENT}}}body")) is not None:
            asked.done.set_result((body, ""))
        else:
            _watch_state(message, asked)

    def _asked_by(self, message: Element) -> _Asked | None:
        """The question that a message is about: by id of an error, by thread, or the only one this agent was asked."""
        if message.get("type") == "error":
            return self._asked.get(message.get("id", ""))
        thread = message.findtext(f"{{{CLIENT}}}thread")
        if thread or message.find(f"{{{DELAY}}}delay") is not None:
            return self._asked.get(thread or "")  # a late answer to an older question stays what it is
        open_here = [asked for asked in self._asked.values() if asked.agent == bare(message.get("from", ""))]
        return open_here[0] if len(open_here) == 1 else None


def _since(asked: _Asked) -> float:
    return (asyncio.get_running_loop().time() - asked.asked_at) * 1000


def _question(question_id: str, text: str) -> list[Element]:
    body, thread = Element(f"{{{CLIENT}}}body"), Element(f"{{{CLIENT}}}thread")
    body.text, thread.text = text, question_id
    return [
        body,
        thread,
        Element(f"{{{SID}}}origin-id", {"id": question_id}),
        Element(f"{{{RECEIPTS}}}request"),
        Element(f"{{{CHAT_STATES}}}active"),
    ]


def _error(message: Element) -> tuple[str, str]:
    error = message.find(f"{{{CLIENT}}}error")
    if error is None:
        return "The server sent an error without a reason.", "undefined-condition"
    condition = next((inner.tag.rpartition("}")[2] for inner in error), "undefined-condition")
    ours = error.find(f"{{{AIOX_ERROR}}}error-code")
    text = error.findtext(f"{{{STANZAS}}}text") or f"The XMPP server could not deliver the message ({condition})."
    return text, (ours.get("code", "") if ours is not None else "") or condition


def _watch_state(message: Element, asked: _Asked) -> None:
    if message.find(f"{{{CHAT_STATES}}}composing") is not None:
        asked.watch("composing")
    elif message.find(f"{{{CHAT_STATES}}}paused") is not None:
        asked.watch("paused")
