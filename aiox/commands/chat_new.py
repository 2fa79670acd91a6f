"""`/new`: an agent made in a chat, from a name, instructions or a template."""

from __future__ import annotations

import re
from typing import Any, Final

from aiox.commands import create_agent, fields
from aiox.commands.chat_command import Asker
from aiox.commands.create_agent import CreateAgent
from aiox.commands.hub import Hub
from aiox.commands.list_templates import Template, templates
from aiox.kernel.command import FieldKind, FormField, Option, Values
from aiox.kernel.outcome import Refused

NAME: Final = "name"
PROMPT: Final = "prompt"
TEMPLATE: Final = "template"
HOW: Final = (
    "Say how it is called: /new Ada. On the lines below you may say how it shall answer."
    "\n/new TEMPLATE as NAME begins with one of these: {}."
)
_FROM_TEMPLATE: Final = re.compile(r"([a-z0-9_-]+)\s+as\s+(\S.*)", re.IGNORECASE)


def read(words: str) -> Values:
    """The first line names it, or a template and its name; what follows are the instructions."""
    head, _, prompt = words.partition("\n")
    given = {NAME: head.strip(), PROMPT: prompt.strip()}
    found = _FROM_TEMPLATE.fullmatch(head.strip())
    if found is not None and _template(found[1].lower()) is not None:
        given |= {TEMPLATE: found[1].lower(), NAME: found[2].strip()}
    return {name: value for name, value in given.items() if value}


async def form(_hub: Hub, _asker: Asker, values: Values) -> tuple[FormField, ...]:
    """Asked as long as there is no name."""
    if values.get(NAME):
        return ()
    known = tuple(Option(one.template, one.title) for one in templates())
    return (
        FormField(NAME, "Name", required=True, value=values.get(NAME, "")),
        FormField(TEMPLATE, "Begin with", FieldKind.CHOICE, options=(Option("", "nothing: a plain agent"), *known)),
        FormField(PROMPT, "How it shall answer", FieldKind.TEXT, values.get(PROMPT, "")),
    )


async def answer(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    """Makes the agent and says where it is."""
    name = values.get(NAME, "")
    if not name:
        return HOW.format(", ".join(one.template for one in templates()))
    given = _given(name, values.get(PROMPT, ""), _template(values.get(TEMPLATE, "")))
    wanted = fields.read(CreateAgent, given)
    if isinstance(wanted, Refused):
        return wanted
    made = await create_agent.run(hub, asker.actor, wanted)
    if isinstance(made, Refused):
        return made
    return f"{name} is there: xmpp:{made.jid}\nWrite to it. /edit and /publish, said to it, change it."


def _given(name: str, prompt: str, template: Template | None) -> dict[str, Any]:
    given = {} if template is None else template.agent.model_dump(mode="json", exclude_unset=True)
    profile = {**given.get("profile", {}), "name": name}
    if prompt:
        profile["system_prompt"] = prompt
    return {**given, "profile": profile}


def _template(name: str) -> Template | None:
    return next((one for one in templates() if one.template == name), None)
