"""A real SMTP server on loopback that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class Letters:
    """Each letter: who it was addressed to on the wire, and its bytes."""

    port: int = 0
    got: list[tuple[list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        self.got.append((list(envelope.rcpt_tos), envelope.content))
        return "250 kept"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 unknown"
        envelope.rcpt_tos.append(address)
        return "250 ok"


@asynccontextmanager
async def mail_server() -> AsyncIterator[Letters]:
    letters = Letters()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(letters, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0)
    letters.port = server.sockets[0].getsockname()[1]
    async with server:
        yield letters
