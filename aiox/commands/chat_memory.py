"""`/memory` and `/forget`: what the agent remembers about whoever asks, and the way to have it forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands import memories as commands
from aiox.commands.chat_command import WORDS
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub
from aiox.commands.memories import MAX_CHARACTERS, ChangedMemory
from aiox.kernel.command import FieldKind, FormField, Option
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import memories
from registry.documents import DocumentState, DocumentSummary
from registry.memories import Remembered

WHICH: Final = "Say which: /memory lists what I remember, each with its number; /forget all takes everything."
NOTHING: Final = "I remember nothing about you. Write “remember that ...” and I keep it, for your conversations only."
WORDS_WANTED: Final = (
    f"Say what shall stand there, {MAX_CHARACTERS} characters at most: /memory 1 my train leaves at ten."
)
HEAD: Final = (
    "What I remember about you; /forget NUMBER or /forget all takes it away, /memory NUMBER WORDS puts it right:"
)
KNOWN: Final = "For everybody who may talk to me I know these documents; /why tells what an answer rested on:"
REMEMBER: Final = "Write what I shall remember: /remember my train leaves at nine."


SHOWN: Final = 100
"""Entries that a form offers."""


def listed(found: Sequence[Remembered]) -> str:
    """The entries with their numbers."""
    if not found:
        return NOTHING
    lines = [f"{number}. {one.content} ({_how(one)}, {one.created_at.date()})" for number, one in enumerate(found, 1)]
    return "\n".join([HEAD, *lines])


def _how(one: Remembered) -> str:
    """Where an entry comes from."""
    match one.kind, one.origin:
        case memories.FILE, _:
            return "a file of this conversation"
        case memories.SUMMARY, _:
            return "what we said before, in short"
        case _, "learnt":
            return "learnt from what you said"
        case _, "written":
            return "written by you"
        case _:
            return "you told me"


def known(found: Sequence[DocumentSummary]) -> str:
    """The documents behind an agent's answers to everybody, with where each came from."""
    lines = [f"- {one.title} ({one.source}, {_passages(one)}, {one.created_at.date()})" for one in found[:SHOWN]]
    more = ["- and more: /documents"] if len(found) > SHOWN else []
    return "\n".join([KNOWN, *lines, *more])


def _passages(one: DocumentSummary) -> str:
    return f"{one.chunks} passages" if one.state is DocumentState.READY else str(one.state)


async def memory(hub: Hub, actor: Actor, agent: AgentId, words: str = "") -> str:
    """The answer to /memory, and to /memory NUMBER WORDS, which puts an entry right."""
    found = await memories.of_subject(hub.pool, agent, actor.jid)
    if not words:
        return listed(found)
    number, _, text = words.partition(" ")
    if not number.isdecimal() or not 0 < int(number) <= len(found):
        return WHICH if found else NOTHING
    old = found[int(number) - 1]
    fields = read(ChangedMemory, {"agent_id": str(agent), "memory_id": str(old.id), "content": text})
    if isinstance(fields, Refused):
        return WORDS_WANTED
    changed = await commands.rewrite(hub, actor, agent, old, fields.content)
    return changed.reason if isinstance(changed, Refused) else f"I remember now: {changed.content}"


async def form(hub: Hub, actor: Actor, agent: AgentId) -> tuple[FormField, ...]:
    """Asks which entry; nothing where there is none."""
    found = await memories.of_subject(hub.pool, agent, actor.jid)
    if not found:
        return ()
    entries = (Option(str(number), one.content[:200]) for number, one in enumerate(found[:SHOWN], 1))
    options = (*entries, Option("all", "all of it"))
    return (FormField(WORDS, "Forget", FieldKind.CHOICE, required=True, options=options),)


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
