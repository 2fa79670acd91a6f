"""Agents of other hubs: what they answer comes back to the turn that waits for it.

The answer comes to every orchestrator's ears; the one that waits takes it. One that nobody waits for is nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiox.kernel.envelope import MessageReceived
from aiox.kernel.jid import BareJid

Answer = asyncio.Future[MessageReceived]


@dataclass(slots=True)
class FarAgents:
    """One per orchestrator."""

    _open: dict[tuple[str, BareJid], Answer] = field(default_factory=dict)

    def heard(self, answer: MessageReceived) -> None:
        """Takes an answer, when it comes from the very address that was asked."""
        waiting = self._open.get((answer.message_id, answer.sender))
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    @contextmanager
    def waiting(self, stanza_id: str, address: BareJid) -> Iterator[Answer]:
        """Within it the answer to the stanza of this id is waited for."""
        self._open[stanza_id, address] = answer = asyncio.get_running_loop().create_future()
        try:
            yield answer
        finally:
            del self._open[stanza_id, address]
