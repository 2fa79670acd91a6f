"""Letters wait here while requests are answered: no answer waits for a mail server, and none tells how long it took."""

from __future__ import annotations

import asyncio
from typing import Final

from aiox.runtime.logs import Log
from aiox.runtime.mail import Letter, MailTrouble, Post

MOST: Final = 1000
"""Letters that wait at a time."""
WAITS_S: Final = (2.0, 10.0, 60.0)
"""Before the second, third and last try of one letter."""


class Letters:
    """A queue before the post. What still waits when the process stops is lost: people ask again."""

    def __init__(self, post: Post, log: Log, waits_s: tuple[float, ...] = WAITS_S) -> None:
        self._post = post
        self._log = log
        self._waits_s = waits_s
        self._waiting: asyncio.Queue[Letter] = asyncio.Queue(MOST)

    async def put(self, letter: Letter) -> None:
        """Takes a letter. Raises MailTrouble when too many wait."""
        try:
            self._waiting.put_nowait(letter)
        except asyncio.QueueFull:
            raise MailTrouble(f"{MOST} letters wait already") from None

    async def run(self) -> None:
        """Sends one after the other, for ever."""
        while True:
            await self._send(await self._waiting.get())

    async def _send(self, letter: Letter) -> None:
        for wait_s in (*self._waits_s, None):
            try:
                await self._post.send(letter)
            except MailTrouble as trouble:
                self._log.error("letter_not_sent", error=str(trouble), tries_again=wait_s is not None)
                if wait_s is None:
                    return
                await asyncio.sleep(wait_s)
            else:
                return
