"""The peer of the first scenario: the least that can be called an XMPP service, a slixmpp component that echoes.

Runs in `.venv-bench`: `python bench/echo_component.py DOMAIN PORT`, the component's secret on standard input. Prints
`ready` when it is connected.
"""

from __future__ import annotations

import sys

import uvloop
from slixmpp import ComponentXMPP
from slixmpp.stanza import Message


class Echo(ComponentXMPP):
    """Answers each chat message with its own body."""

    def __init__(self, domain: str, secret: str, port: int) -> None:
        super().__init__(domain, secret, "127.0.0.1", port)  # type: ignore[no-untyped-call]
        self.add_event_handler("session_start", self._started)
        self.add_event_handler("message", self._answer)

    def _started(self, _event: object) -> None:
        print("ready", flush=True)

    def _answer(self, message: Message) -> None:
        if message["type"] in ("chat", "normal") and message["body"]:
            message.reply(message["body"]).send()  # type: ignore[no-untyped-call]


async def main() -> None:
    """Echoes until the connection ends."""
    domain, port = sys.argv[1], int(sys.argv[2])
    echo = Echo(domain, sys.stdin.readline().strip(), port)
    echo.connect()
    await echo.disconnected


if __name__ == "__main__":
    uvloop.run(main())
