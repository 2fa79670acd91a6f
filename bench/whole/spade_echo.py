"""The peer of `echoes`: a SPADE agent that sends each message back, as SPADE's own documents write one.

Runs in `.venv-bench-spade`: `python bench/whole/spade_echo.py JID PORT`, the account's password on standard input.
Prints `ready` when it is connected.
"""

from __future__ import annotations

import sys

import spade  # type: ignore[import-not-found]
from spade.agent import Agent  # type: ignore[import-not-found]
from spade.behaviour import CyclicBehaviour  # type: ignore[import-not-found]


class Echo(CyclicBehaviour):  # type: ignore[misc]
    """One message after the other."""

    async def run(self) -> None:
        """Waits for a message and answers it."""
        message = await self.receive(timeout=60)
        if message is not None and message.body:
            reply = message.make_reply()
            reply.body = message.body
            await self.send(reply)


async def main() -> None:
    """Echoes until it is stopped."""
    jid, port, password = sys.argv[1], int(sys.argv[2]), sys.stdin.readline().strip()
    agent = Agent(jid, password, port=port, verify_security=False)
    agent.add_behaviour(Echo())
    await agent.start(auto_register=False)
    print("ready", flush=True)
    await spade.wait_until_finished(agent)


if __name__ == "__main__":
    spade.run(main())
