"""Agents to begin with: each a file of aiox/commands/templates, ready to be sent to `agent.create` with a name."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

from pydantic import Field

from aiox.commands.create_agent import CreateAgent
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.agent import Line, Prose, Word
from aiox.kernel.outcome import Refused

ACTION: Final = Action.TEMPLATE_LIST


class ListTemplates(Fields):
    """Nothing to ask for beyond the list itself."""


class Template(Fields):
    """An agent to begin with. `usage` says what it is for and what to give it before it is of use."""

    template: Word
    title: Line
    usage: Prose = Field(max_length=1000)
    agent: CreateAgent


async def run(hub: Hub, actor: Actor, _fields: ListTemplates) -> Sequence[Template] | Refused:
    """All templates, by name."""
    no = await refused(hub, actor, ACTION, actor.owner)
    return no if no is not None else templates()


@lru_cache(maxsize=1)
def templates() -> Sequence[Template]:
    """Reads the files, once. Raises ValidationError for one that is no template; a test reads them all."""
    found = [file for file in files("aiox.commands.templates").iterdir() if file.name.endswith(".toml")]
    return tuple(
        Template.model_validate({"template": file.name.removesuffix(".toml"), **tomllib.loads(file.read_text("utf-8"))})
        for file in sorted(found, key=lambda file: file.name)
    )
