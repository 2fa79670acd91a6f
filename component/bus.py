"""The bus as admission sees it, and JetStream behind it."""

from __future__ import annotations

from typing import Final, Protocol

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from aiox.runtime.nats import INBOUND

STORE_TIMEOUT_S: Final = 5.0


class BusBusy(Exception):
    """The bus is down, full or too slow. The message may be sent again under the same id."""


class Bus(Protocol):
    """Stores messages durably."""

    async def store(self, subject: str, data: bytes, message_id: str) -> bool:
        """Returns once `data` is on disk: true, or false when it was there already. Within two minutes a `message_id`
        seen before is stored only once; an empty one is never a duplicate. Raises BusBusy when it is not stored within
        5 s.
        """
        ...


class JetStreamBus:
    """Bus over a NATS connection."""

    def __init__(self, client: Client, timeout_s: float = STORE_TIMEOUT_S) -> None:
        self._client = client
        self._stream: JetStreamContext = client.jetstream(timeout=timeout_s)
        self._timeout_s = timeout_s

    async def store(self, subject: str, data: bytes, message_id: str) -> bool:
        """See Bus. Raises BusBusy."""
        if not self._client.is_connected:
            # The client would keep it and send it later, long after the sender was told to try again.
            raise BusBusy("not connected")
        headers = {"Nats-Msg-Id": message_id} if message_id else None
        try:
            stored = await self._stream.publish(subject, data, timeout=self._timeout_s, stream=INBOUND, headers=headers)
        except (nats.errors.Error, TimeoutError, OSError) as failed:
            raise BusBusy(repr(failed)) from failed
        return not stored.duplicate

    async def missing(self) -> str:
        """Empty text when messages can be stored, else what is missing."""
        if not self._client.is_connected:
            return "NATS is not connected"
        try:
            await self._stream.stream_info(INBOUND)
        except (nats.errors.Error, TimeoutError, OSError) as failed:
            return f"the inbound stream does not answer: {failed!r}"
        return ""
