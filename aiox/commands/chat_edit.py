"""`/edit`: fields of an agent's draft, changed in a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from aiox.commands import edit_agent, fields, read_agent
from aiox.commands.agent_draft import DraftRead, ReadDraft
from aiox.commands.agent_draft import read as read_draft
from aiox.commands.chat_command import Asker
from aiox.commands.edit_agent import PatchAgent
from aiox.commands.hub import Hub
from aiox.commands.read_agent import ReadAgent
from aiox.kernel.agent import AgentSpec, Visibility
from aiox.kernel.command import FieldKind, FormField, Option, Values
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused

FIELD: Final = "field"
VALUE: Final = "value"
RULE_FIELD: Final = "C0 field"
SHOWN: Final = 300
"""Characters of a value that a list of them shows."""


def _number(text: str) -> Any:
    """A number when it is one, else the text, which the form refuses in words."""
    try:
        return float(text)
    except ValueError:
        return text


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.replace("\n", ",").split(",") if one.strip()]


_PATCHES: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = MappingProxyType(
    {
        "name": lambda text: {"profile": {"name": text}},
        "description": lambda text: {"profile": {"description": text}},
        "prompt": lambda text: {"profile": {"system_prompt": text}},
        "traits": lambda text: {"profile": {"personality_traits": _listed(text)}},
        "tags": lambda text: {"capabilities": {"domain_tags": _listed(text)}},
        "model": lambda text: {"llm_config": {"model": text}},
        "provider": lambda text: {"llm_config": {"provider": text}},
        "temperature": lambda text: {"llm_config": {"temperature": _number(text)}},
        "visibility": lambda text: {"visibility": text.lower()},
    }
)
"""What can be edited in a chat, and the change that a text makes. The web and the API have the rest."""
_EMPTY: Final = "nothing"
"""Said for a value, it empties the field."""


def read(words: str) -> Values:
    """A field and what is to stand in it."""
    if not words:
        return {}
    name, *value = words.split(None, 1)
    return {FIELD: name.lower(), VALUE: value[0].strip()} if value else {FIELD: name.lower()}


async def form(hub: Hub, asker: Asker, values: Values) -> tuple[FormField, ...]:
    """All fields with what stands in the draft."""
    if any(name in values for name in _PATCHES):
        return ()
    draft = await _standing(hub, asker)
    if isinstance(draft, Refused):
        return ()
    long = {"prompt", "description"}
    made = []
    for name, value in draft.items():
        kind = FieldKind.TEXT if name in long else FieldKind.LINE
        options: tuple[Option, ...] = ()
        if name == "visibility":
            kind, options = FieldKind.CHOICE, tuple(Option(one, one) for one in Visibility)
        made.append(FormField(name, name.capitalize(), kind, value, required=name == "name", options=options))
    return tuple(made)


async def answer(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    """Changes what differs; without a field it lists what can be changed, and what stands there."""
    standing = await _standing(hub, asker)
    if isinstance(standing, Refused):
        return standing
    if FIELD in values:
        if values[FIELD] not in _PATCHES:
            return Refused(ErrorCode.BODY_INVALID, f"There is no field of this name. {_names()}", (RULE_FIELD,))
        if not values.get(VALUE):
            return f"{values[FIELD]}: {standing[values[FIELD]] or '(empty)'}\n/edit {values[FIELD]} WORDS changes it."
        value = "" if values[VALUE] == _EMPTY else values[VALUE]
        wanted = {values[FIELD]: value}
    else:
        wanted = {name: values[name] for name in _PATCHES if name in values}
    changed = {name: value for name, value in wanted.items() if value != standing[name]}
    if not changed:
        return _listing(standing) if not wanted else "Nothing differs from what stands there."
    return await _patch(hub, asker, changed)


async def _patch(hub: Hub, asker: Asker, changed: Mapping[str, str]) -> str | Refused:
    patch: dict[str, Any] = {"agent_id": str(asker.agent)}
    for name, value in changed.items():
        for part, inner in _PATCHES[name](value).items():
            patch[part] = {**patch.get(part, {}), **inner} if isinstance(inner, dict) else inner
    wanted = fields.read(PatchAgent, patch)
    done = wanted if isinstance(wanted, Refused) else await edit_agent.update(hub, asker.actor, wanted)
    if isinstance(done, Refused):
        return done
    return f"Changed in the draft: {', '.join(changed)}. What is active stays as it is until /publish."


async def _standing(hub: Hub, asker: Asker) -> dict[str, str] | Refused:
    """What stands in the draft, or in the active version when there is none."""
    draft = await read_draft(hub, asker.actor, ReadDraft(agent_id=asker.agent))
    if isinstance(draft, DraftRead):
        return _texts(draft.draft.spec, draft.draft.system_prompt)
    found = await read_agent.run(hub, asker.actor, ReadAgent(agent_id=asker.agent))
    if isinstance(found, Refused):
        return found
    return _texts(found.agent.version.spec, found.system_prompt)


def _texts(spec: AgentSpec, prompt: str) -> dict[str, str]:
    return {
        "name": spec.profile.name,
        "description": spec.profile.description,
        "prompt": prompt,
        "traits": ", ".join(spec.profile.personality_traits),
        "tags": ", ".join(spec.capabilities.domain_tags),
        "model": spec.llm_config.model,
        "provider": spec.llm_config.provider,
        "temperature": f"{spec.llm_config.temperature:g}",
        "visibility": str(spec.visibility),
    }


def _listing(standing: Mapping[str, str]) -> str:
    lines = [f"{name}: {_short(value)}" for name, value in standing.items()]
    return "\n".join([*lines, f"/edit FIELD WORDS changes one, “{_EMPTY}” empties it; /publish makes it active."])


def _short(value: str) -> str:
    line = " ".join(value.split()) or "(empty)"
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def _names() -> str:
    return f"These can be edited here: {', '.join(_PATCHES)}."
