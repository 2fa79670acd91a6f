"""`/memory` and `/forget`: what the agent remembers about whoever asks, and the way to have it forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands import memories as commands
from aiox.commands.hub import Actor, Hub
from aiox.kernel.ids import AgentId
from registry import memories
from registry.memories import Remembered

WHICH: Final = "Say which: /memory lists what I remember, each with its number; /forget all takes everything."
NOTHING: Final = "I remember nothing about you. Write “remember that ...” and I keep it, for your conversations only."
REMEMBER: Final = "Write what I shall remember: /remember my train leaves at nine."


def listed(found: Sequence[Remembered]) -> str:
    """The entries with their numbers."""
    if not found:
        return NOTHING
    lines = [f"{number}. {one.content} ({one.kind}, {one.created_at.date()})" for number, one in enumerate(found, 1)]
    return "\n".join(["What I remember about you; /forget NUMBER or /forget all takes it away:", *lines])


async def memory(hub: Hub, actor: Actor, agent: AgentId) -> str:
    """The answer to /memory."""
    return listed(await memories.of_subject(hub.pool, agent, actor.jid))


async def forget(hub: Hub, actor: Actor, agent: AgentId, which: str) -> str:
    """The answer to /forget NUMBER and /forget all."""
    if which.lower() == "all":
        gone = await commands.forget(hub, actor, agent, None)
        return f"Forgotten: {gone} {'entry' if gone == 1 else 'entries'}." if gone else NOTHING
    found = await memories.of_subject(hub.pool, agent, actor.jid)
    if not which.isdecimal() or not 0 < int(which) <= len(found):
        return WHICH if found else NOTHING
    one = found[int(which) - 1]
    await commands.forget(hub, actor, agent, [one.id])
    return f"Forgotten: {one.content}"
