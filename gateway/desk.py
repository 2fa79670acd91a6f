"""The desk: commands that come over the bus from where people chat are done here, with the gateway's own rights."""

from __future__ import annotations

import asyncio
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from aiox.commands import chat_desk
from aiox.commands.chat_desk import Desk
from aiox.kernel.command import CommandAnswered, CommandAsked
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.runtime.clock import Clock
from aiox.runtime.desk import SUBJECT, answer_bytes
from aiox.runtime.logs import Log, describe
from aiox.runtime.nats import NotStored
from aiox.wire.codec import NotAnEvent, decode
from registry.rates import RatesUnavailable

WAITING: Final = 256
"""Commands that wait; more are refused as busy."""
AT_ONCE: Final = 4
PER_MINUTE: Final = 60
"""Commands of one kind by one person."""
GROUP: Final = "desks"
"""Of all gateways one does each command."""


class CommandDesk:
    """Takes commands and answers each. Start `work` as tasks, AT_ONCE of them."""

    def __init__(self, desk: Desk, clock: Clock, log: Log) -> None:
        self._desk = desk
        self._clock = clock
        self._log = log
        self._waiting: asyncio.Queue[Msg] = asyncio.Queue(WAITING)

    async def listen(self, bus: Client) -> None:
        """From now on commands come here. Raises nats.errors.Error."""
        await bus.subscribe(SUBJECT, GROUP, cb=self.take)

    async def take(self, message: Msg) -> None:
        """Takes one command, or says at once that there are too many."""
        if self._waiting.full():
            await self._say(message, _refused(ErrorCode.HUB_BUSY))
            return
        self._waiting.put_nowait(message)

    async def work(self) -> None:
        """Does what waits, until cancelled."""
        while True:
            message = await self._waiting.get()
            await self._say(message, await self._done(message.data))

    async def _done(self, data: bytes) -> CommandAnswered:
        """The boundary: whatever fails, the one who asked hears of it."""
        try:
            asked = decode(data).payload
            if not isinstance(asked, CommandAsked):
                raise NotAnEvent("not a command")
            return await chat_desk.answer(self._desk, asked)
        except (NotStored, RatesUnavailable) as busy:
            self._log.warning("command_not_done", error=describe(busy))
            return _refused(ErrorCode.HUB_BUSY)
        except Exception as failed:  # noqa: BLE001 -- a command that fails must not end the desk
            self._log.error("command_failed", error=describe(failed))
            return _refused(ErrorCode.INTERNAL)

    async def _say(self, message: Msg, answered: CommandAnswered) -> None:
        try:
            await message.respond(answer_bytes(answered, self._clock))
        except NatsError as gone:
            self._log.warning("command_not_answered", error=repr(gone))


def _refused(code: ErrorCode) -> CommandAnswered:
    return CommandAnswered(SENTENCES[code], str(code))
