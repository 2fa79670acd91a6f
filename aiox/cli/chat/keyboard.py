"""What the person types: at a terminal with line editing and history, else line by line from a pipe."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Protocol


class Keyboard(Protocol):
    """Where lines come from."""

    waits: bool
    """Whether the next line is asked for only when the one before was answered."""

    async def line(self, show: Callable[[], str]) -> str | None:
        """The next line, as it was typed or pasted; None when there will be no more.

        `show` says what goes on meanwhile, to be shown beside what is being typed. Raises KeyboardInterrupt.
        """
        ...

    def around_output(self) -> AbstractContextManager[None]:
        """What is printed within it does not get into what is being typed."""
        ...

    def redraw(self) -> None:
        """Shows anew what goes on."""
        ...


def keyboard() -> Keyboard:
    """The terminal's when there is one, for reading and for showing."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return TerminalKeyboard()
    return PipeKeyboard(sys.stdin.buffer)


class TerminalKeyboard:
    """Line editing, history of this chat (arrow keys), pasting of many lines; Alt-Enter begins a new line.

    The history is forgotten in the end: what is said to agents is not left in a file.
    """

    waits = False

    def __init__(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

        keys = KeyBindings()

        @keys.add("escape", "enter")
        def _new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        self._session: PromptSession[str] = PromptSession(key_bindings=keys)

    async def line(self, show: Callable[[], str]) -> str | None:
        """See Keyboard."""
        try:
            return await self._session.prompt_async("you> ", bottom_toolbar=lambda: show() or None)
        except EOFError:
            return None

    def around_output(self) -> AbstractContextManager[None]:
        """See Keyboard."""
        from prompt_toolkit.patch_stdout import patch_stdout

        return patch_stdout(raw=True)

    def redraw(self) -> None:
        """See Keyboard."""
        self._session.app.invalidate()


class PipeKeyboard:
    """Lines of bytes. What is no UTF-8 stays recognisable (surrogates), so that it can be refused by name."""

    waits = True

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    async def line(self, show: Callable[[], str]) -> str | None:
        """See Keyboard. The stream stays alive meanwhile."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            typed = self._source.readline()
            loop.call_soon_threadsafe(lambda: None if found.done() else found.set_result(typed))

        # A daemon thread: Ctrl-C must not wait for a line that never comes.
        threading.Thread(target=read, daemon=True).start()
        typed = await found
        return typed.decode("utf-8", "surrogateescape").rstrip("\r\n") if typed else None

    def around_output(self) -> AbstractContextManager[None]:
        """See Keyboard."""
        return nullcontext()

    def redraw(self) -> None:
        """See Keyboard."""
