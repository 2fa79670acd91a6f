"""A conversation without a server: what is asked again, what is refused, what is overheard."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import cast

import pytest
from rich.console import Console

from aiox.cli.chat import conversation as module
from aiox.cli.chat.client import ChatClient, ConnectionLost, Exchange, Overhear, Sign
from aiox.cli.chat.conversation import Conversation
from aiox.cli.chat.stream import ChatTrouble


@dataclass
class Client:
    """A server that goes away `breaks` times, each time while an answer is awaited."""

    breaks: int = 0
    refuses: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    overhear: Overhear = lambda sender, text: None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    here: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(
        self, agent: str, text: str, timeout_s: float, watch: Callable[[Sign], None], question_id: str
    ) -> Exchange:
        self.asked.append((question_id, text))
        watch("composing")
        if self.breaks:
            self.breaks -= 1
            self.here.clear()
            self.gone.set()
            raise ConnectionLost("gone")
        self.overhear("someone@localhost", "by the way\x1b[2J")
        return Exchange(question_id, 1.0, 2.0, f"You said: {text}", "")

    async def lost(self) -> None:
        await self.gone.wait()

    async def back(self) -> None:
        await self.here.wait()

    async def log_in_again(self) -> None:
        if self.refuses:
            self.refuses -= 1
            raise ChatTrouble("not yet")
        self.gone.clear()
        self.here.set()


@dataclass
class Keys:
    lines: list[str]
    waits: bool = True
    states: list[str] = field(default_factory=list)
    show: Callable[[], str] = str

    async def line(self, show: Callable[[], str]) -> str | None:
        self.show = show
        return self.lines.pop(0) if self.lines else None

    def around_output(self) -> AbstractContextManager[None]:
        return nullcontext()

    def redraw(self) -> None:
        self.states.append(self.show())


async def held(client: Client, *lines: str) -> tuple[str, Keys]:
    out, keys = io.StringIO(), Keys(list(lines))
    console = Console(file=out, width=200)
    await Conversation(cast(ChatClient, client), "agent@agents.localhost", keys, console).hold()
    return out.getvalue(), keys


async def test_a_question_whose_connection_broke_is_asked_again_under_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.0,))
    client = Client(breaks=2, refuses=3)
    shown, keys = await held(client, "hello")
    assert [text for _, text in client.asked] == ["hello"] * 3
    assert len({question for question, _ in client.asked}) == 1
    assert shown.count("You said: hello") == 1
    assert "broke. Trying again." in shown
    assert "Connected again." in shown
    assert "not connected" in keys.states


async def test_what_cannot_be_sent_is_not_asked_and_empty_lines_are_nothing() -> None:
    client = Client()
    shown, _ = await held(client, "", "   ", "a\x00", "b\udcff", "fine", "/quit", "never")
    assert [text for _, text in client.asked] == ["fine"]
    assert "U+0000 at position 2" in shown
    assert "no UTF-8 at position 2" in shown


async def test_the_state_ends_with_the_answer_and_others_are_overheard_without_their_controls() -> None:
    shown, keys = await held(Client(), "hello")
    assert keys.states == ["sent", "✓ typing…", ""]
    assert "someone@localhost: by the way[2J" in shown
    assert "\x1b" not in shown
