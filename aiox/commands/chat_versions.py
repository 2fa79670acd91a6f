"""`/publish`, `/rollback` and `/delete`: an agent's versions and its end, in a chat."""

from __future__ import annotations

from typing import Final

from aiox.commands import agent_draft, list_versions, publish_agent, read_agent, retire_agent
from aiox.commands.agent_draft import DiffAgent
from aiox.commands.chat_command import WORDS, Asker
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.hub import Hub
from aiox.commands.list_versions import ListVersions
from aiox.commands.publish_agent import RollbackAgent
from aiox.commands.read_agent import ReadAgent
from aiox.kernel.command import YES, FieldKind, FormField, Option, Values
from aiox.kernel.outcome import Refused

SHOWN: Final = 20
"""Versions that a list shows."""
CONFIRM: Final = "confirm"
_DELETED: Final = (
    "{} is deleted: it answers nobody from now on. The web and `aiox agent restore` bring it back for a while."
)


async def publish(hub: Hub, asker: Asker, _values: Values) -> str | Refused:
    """Makes the draft the active version and says what it changes."""
    diff = await agent_draft.diff(hub, asker.actor, DiffAgent(agent_id=asker.agent))
    done = await publish_agent.publish(hub, asker.actor, WhichAgent(agent_id=asker.agent))
    if isinstance(done, Refused):
        return done
    changed = [] if isinstance(diff, Refused) else [one.path.removeprefix("/") for one in diff.changes]
    prompt = [] if isinstance(diff, Refused) or not diff.prompt_changed else ["prompt"]
    what = f" Changed: {', '.join([*changed, *prompt])}." if changed or prompt else ""
    return f"Version {done.version} is active.{what} /rollback goes back."


async def rollback(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    """Activates a version by its number; without one it lists them."""
    number = values.get(WORDS, "").removeprefix("v")
    if not (number.isascii() and number.isdecimal() and 0 < int(number) <= 1_000_000):
        versions = await _versions(hub, asker)
        return (
            versions if isinstance(versions, Refused) else "\n".join([*versions.values(), "/rollback NUMBER does it."])
        )
    fields = RollbackAgent(agent_id=asker.agent, version=int(number))
    done = await publish_agent.rollback(hub, asker.actor, fields)
    return done if isinstance(done, Refused) else f"Version {done.version} is active."


async def rollback_form(hub: Hub, asker: Asker, values: Values) -> tuple[FormField, ...]:
    """Asks which version."""
    if values.get(WORDS):
        return ()
    versions = await _versions(hub, asker)
    if isinstance(versions, Refused):
        return ()
    options = tuple(Option(number, label) for number, label in versions.items())
    return (FormField(WORDS, "Go back to", FieldKind.CHOICE, required=True, options=options),)


async def delete(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    """Deletes the agent once that was confirmed."""
    found = await read_agent.run(hub, asker.actor, ReadAgent(agent_id=asker.agent))
    if isinstance(found, Refused):
        return found
    name = found.agent.version.name
    if not _confirmed(values):
        return f"This deletes {name} for everybody who talks to it. Nothing was done yet: /delete {YES} does it."
    done = await retire_agent.delete(hub, asker.actor, WhichAgent(agent_id=asker.agent))
    return done if isinstance(done, Refused) else _DELETED.format(name)


async def delete_form(hub: Hub, asker: Asker, values: Values) -> tuple[FormField, ...]:
    """Asks whether it is meant."""
    if CONFIRM in values:
        return ()
    found = await read_agent.run(hub, asker.actor, ReadAgent(agent_id=asker.agent))
    if isinstance(found, Refused):
        return ()
    name = found.agent.version.name
    return (
        FormField("what", "", FieldKind.WORDS, f"This deletes {name} for everybody who talks to it."),
        FormField(CONFIRM, f"Yes, delete {name}", FieldKind.YES_OR_NO),
    )


def _confirmed(values: Values) -> bool:
    return values.get(CONFIRM) == YES or values.get(WORDS, "").lower() == YES


async def _versions(hub: Hub, asker: Asker) -> dict[str, str] | Refused:
    found = await list_versions.run(hub, asker.actor, ListVersions(agent_id=asker.agent, limit=SHOWN))
    if isinstance(found, Refused):
        return found
    return {str(one.version): f"{one.version}. {one.name}, of {one.created_at.date()}" for one in found}
