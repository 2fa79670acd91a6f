"""`aiox agent ...`: the operator does for an account what its owner does over HTTP, and sees no prompts."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import create_agent, edit_agent, list_agents
from aiox.commands.agent_draft import DraftRead
from aiox.commands.create_agent import CreateAgent
from aiox.commands.edit_agent import PatchAgent, ReplaceAgent
from aiox.commands.fields import Fields, read
from aiox.commands.hub import Actor, Hub, ProviderDesk
from aiox.commands.list_agents import ListAgents
from aiox.commands.list_templates import templates
from aiox.kernel.changes import merged
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.objects.chosen import store_of
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from registry import accounts
from registry.agents import AgentSummary

Form = TypeVar("Form", bound=Fields)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Desk:
    """The hub's commands, in the name of one account; the ledger says that the operator did it."""

    hub: Hub
    actor: Actor

    async def agents(self, *, deleted: bool = False) -> list[AgentSummary]:
        """The account's agents. Raises CannotGoOn."""
        return list(done(await list_agents.run(self.hub, self.actor, ListAgents(deleted=deleted))))

    async def find(self, named: str, *, deleted: bool = False) -> AgentSummary:
        """The one agent of that id, address, alias or name. Raises CannotGoOn for none and for several."""
        found = [one for one in await self.agents(deleted=deleted) if named.lower() in _names(one)]
        if len(found) != 1:
            which = "several agents are" if found else f"no {'deleted ' if deleted else ''}agent is"
            option = " --deleted" if deleted else ""
            raise CannotGoOn(f"{which} called {named!r}. Mend: take an id from 'aiox agent list{option}'")
        return found[0]


@asynccontextmanager
async def desk(settings: Settings, owner: str) -> AsyncIterator[Desk]:
    """A desk for the account of that e-mail address or JID; empty: the only one there is, or the demo's.

    Raises CannotGoOn.
    """
    secrets = Secrets.of(settings.home, "gateway")
    pool = await postgres.connect(settings, secrets, "gateway", size=2)
    try:
        hub = Hub(
            pool,
            LiveKeyRing.of(secrets),
            SystemClock(),
            settings.domain,
            providers=ProviderDesk.of(settings),
            objects=store_of(settings),
            upload_bytes=settings.limits.upload_bytes,
        )
        known = await accounts.find_all(pool)
        wanted = owner.lower() or f"demo@{settings.domain}"
        found = [one for one in known if wanted in (one.email, one.jid)] or (known if not owner else [])
        if len(found) != 1:
            what = f"there is no account {owner}" if owner else "the hub has no account, or several"
            raise CannotGoOn(f"{what}. Mend: name one with --owner, from 'aiox user list'")
        yield Desk(hub, Actor(found[0].owner, BareJid(f"operator@{settings.domain}")))
    finally:
        await pool.close()


Work = Callable[[Desk, AgentSummary], Awaitable[str]]
"""What is done with one agent, and what is said about it."""


async def with_agent(settings: Settings, owner: str, named: str, work: Work, *, deleted: bool = False) -> str:
    """Does `work` with one agent of an account; returns what to print. Raises CannotGoOn."""
    async with desk(settings, owner) as here:
        return await work(here, await here.find(named, deleted=deleted))


async def create(settings: Settings, owner: str, template: str, file: Path | None, given: dict[str, Any]) -> str:
    """Makes an agent from a template, a file, and what was given beside them, each over the one before."""
    base = _template(template) if template else {}
    fields = merged(merged(base, read_file(file)), given)
    async with desk(settings, owner) as here:
        made = done(await create_agent.run(here.hub, here.actor, form(CreateAgent, fields)))
    alias = f" and {made.alias}@agents.{settings.domain}" if made.alias else ""
    return f"Agent {made.agent_id} answers at {made.jid}{alias}."


async def edit(here: Desk, agent: AgentSummary, patch: dict[str, Any]) -> str:
    """Changes the draft; says what to do next."""
    asked = form(PatchAgent, {**patch, "agent_id": str(agent.id)})
    return _changed(agent, done(await edit_agent.update(here.hub, here.actor, asked)))


async def replace(here: Desk, agent: AgentSummary, given: dict[str, Any]) -> str:
    """Puts a whole agent in the draft's place: what is not given has its default; says what to do next."""
    asked = form(ReplaceAgent, {**given, "agent_id": str(agent.id)})
    return _changed(agent, done(await edit_agent.replace_whole(here.hub, here.actor, asked)))


def _changed(agent: AgentSummary, draft: DraftRead) -> str:
    return (
        f"The draft of {agent.name} is changed; version {draft.draft.base} is still active."
        f" See 'aiox agent diff {agent.id}', then 'aiox agent publish {agent.id}'."
    )


def read_file(file: Path | None) -> dict[str, Any]:
    """The agent, or the fields of one, in a JSON or TOML file; nothing without one. Raises CannotGoOn."""
    if file is None:
        return {}
    try:
        text = file.read_text()
        found = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as wrong:
        raise CannotGoOn(f"{file} cannot be read: {wrong}. Mend: give JSON, or TOML in a .toml file") from None
    if not isinstance(found, dict):
        raise CannotGoOn(f"{file} holds no object. Mend: write the fields as in docs/rfc-aiox.md")
    return found


def settings_of(assignments: list[str]) -> dict[str, Any]:
    """`llm_config.temperature=0.2` and the like as an object; a value that is no JSON is text. Raises CannotGoOn."""
    fields: dict[str, Any] = {}
    for assignment in assignments:
        path, equals, value = assignment.partition("=")
        if not equals or not all(path.split(".")):
            raise CannotGoOn(f"{assignment!r} sets nothing. Mend: write it as llm_config.temperature=0.2")
        try:
            field: Any = json.loads(value)
        except ValueError:
            field = value
        for name in reversed(path.split(".")):
            field = {name: field}
        fields = both(fields, field)
    return fields


def both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two patches as one, the other's fields above; a null of either stays."""
    result = {**one, **other}
    for name in one.keys() & other.keys():
        if isinstance(one[name], dict) and isinstance(other[name], dict):
            result[name] = both(one[name], other[name])
    return result


def form(kind: type[Form], given: dict[str, Any]) -> Form:
    """The fields of a command. Raises CannotGoOn with what is wrong."""
    return done(read(kind, given))


def done(result: Result | Refused) -> Result:
    """What a command gave. Raises CannotGoOn with why it did not."""
    if isinstance(result, Refused):
        raise CannotGoOn(result.reason)
    return result


def _template(name: str) -> dict[str, Any]:
    for one in templates():
        if one.template == name:
            return one.agent.model_dump(mode="json", exclude_unset=True)
    raise CannotGoOn(f"there is no template {name!r}. Mend: choose one from 'aiox agent templates'")


def _names(agent: AgentSummary) -> set[str]:
    return {str(agent.id), agent.jid, agent.alias, agent.name.lower()} - {""}
