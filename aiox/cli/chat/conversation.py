"""A conversation with an agent: questions while others are being answered, and a connection that comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Final
from uuid import uuid4

from rich.console import Console
from rich.markdown import Markdown

from aiox.cli.chat.client import ChatClient, ConnectionLost, Exchange, Sign
from aiox.cli.chat.keyboard import Keyboard
from aiox.cli.chat.screen import printable, unsendable
from aiox.cli.chat.stream import ChatTrouble
from aiox.kernel.errors import ErrorCode

ANSWER_S: Final = 120.0
QUIT: Final = "/quit"
PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0)
"""Between attempts to log in again; the last one is repeated."""
SIGNS: Final[dict[Sign, str]] = {"receipt": "✓ received", "composing": "✓ typing…", "paused": "✓ received"}


@dataclass(slots=True)
class Conversation:
    """One person, one agent. Everything that is shown goes through `console`."""

    client: ChatClient
    agent_jid: str
    keyboard: Keyboard
    console: Console
    _shown: dict[str, str] = field(default_factory=dict)
    _away: str = ""

    async def hold(self) -> None:
        """Until /quit, or the end of what is typed."""
        self.client.overhear = self._overheard
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(self._keep_connected())
            asking: set[asyncio.Task[None]] = set()
            try:
                while (line := await self.keyboard.line(self._state)) is not None and line.strip() != QUIT:
                    if self._may_be_sent(line):
                        asking.add(task := tasks.create_task(self._ask(line.strip("\r\n"))))
                        task.add_done_callback(asking.discard)
                        if self.keyboard.waits:
                            await task
            finally:
                for task in (keeping, *asking):
                    task.cancel()

    def _may_be_sent(self, line: str) -> bool:
        if not line.strip():
            return False
        if trouble := unsendable(line):
            self._say(trouble, "red")
        return not trouble

    async def _ask(self, text: str) -> None:
        question = str(uuid4())
        self._show(question, "sent")
        try:
            exchange = await self._answer(question, text)
        except ChatTrouble as trouble:
            self._say(str(trouble), "red")
        else:
            self._render(exchange)
        finally:
            self._show(question, "")

    async def _answer(self, question: str, text: str) -> Exchange:
        """Asked again under its id when the connection broke: the hub answers it once."""
        end = asyncio.get_running_loop().time() + ANSWER_S
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                return await self.client.ask(
                    self.agent_jid, text, left, lambda sign: self._show(question, SIGNS[sign]), question
                )
            except ConnectionLost:
                self._show(question, "waiting for the connection")
                try:
                    async with asyncio.timeout(left):
                        await self.client.back()
                except TimeoutError:
                    break
        raise ChatTrouble(f"No answer came within {ANSWER_S:g} s. ({ErrorCode.TIMEOUT})")

    async def _keep_connected(self) -> None:
        while True:
            await self.client.lost()
            self._say("The connection to the XMPP server broke. Trying again.", "yellow")
            for pause in chain(PAUSES_S, repeat(PAUSES_S[-1])):
                self._away = "not connected"
                self.keyboard.redraw()
                await asyncio.sleep(pause)
                try:
                    await self.client.log_in_again()
                except ChatTrouble:
                    continue
                break
            self._away = ""
            self._say("Connected again.", "green")

    def _state(self) -> str:
        """What goes on, in a line: the connection, and the question that has come farthest."""
        return self._away or next(iter(self._shown.values()), "")

    def _show(self, question: str, state: str) -> None:
        if state:
            self._shown[question] = state
        else:
            self._shown.pop(question, None)
        self.keyboard.redraw()

    def _overheard(self, sender: str, text: str) -> None:
        self._say(f"{sender}: {text}", "cyan")

    def _render(self, exchange: Exchange) -> None:
        text = printable(exchange.text)
        if exchange.error_code:
            self._say(f"{text} ({exchange.error_code})", "red")
        else:
            self.console.print(Markdown(text))
        receipt = "" if exchange.receipt_ms is None else f"✓ received after {exchange.receipt_ms:.0f} ms, "
        self._say(f"{receipt}answered after {exchange.answer_ms:.0f} ms", "dim")

    def _say(self, text: str, style: str) -> None:
        self.console.print(printable(text), style=style, markup=False, highlight=False)
