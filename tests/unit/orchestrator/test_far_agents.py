"""An answer from another hub reaches the turn that waits for it, from the address that was asked, and nobody else."""

from __future__ import annotations

from dataclasses import replace

from aiox.kernel.envelope import MessageReceived
from aiox.kernel.jid import BareJid
from orchestrator.far_agents import FarAgents
from tests.unit.orchestrator.messages import received

OTHER = BareJid("two@agents.b.example")


def answer(sender: BareJid = OTHER, message_id: str = "ask-1", text: str = "At nine.") -> MessageReceived:
    return replace(received(text).payload, sender=sender, message_id=message_id)


async def test_it_is_taken_once_and_by_whom_it_is_for() -> None:
    far = FarAgents()
    with far.waiting("ask-1", OTHER) as waiting:
        far.heard(answer(BareJid("eve@agents.b.example"), text="false"))
        far.heard(answer(message_id="ask-2", text="false"))
        assert not waiting.done()
        far.heard(answer())
        far.heard(answer(text="late"))
        assert (await waiting).body == "At nine."
    far.heard(answer())
