"""`/preferences`, `/mute` and `/reset`: how somebody wants to be talked to."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from aiox.commands import fields, preferences
from aiox.commands.chat_command import WORDS, Asker
from aiox.commands.conversations import LONGEST, be_quiet
from aiox.commands.hub import Hub
from aiox.commands.memories import forget
from aiox.commands.preferences import SetPreferences
from aiox.kernel.command import FieldKind, FormField, Option, Values
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.kernel.preferences import Format, Preferences, Tone
from registry import chat_choices, memories
from registry.memories import SUMMARY

FIELD: Final = "field"
VALUE: Final = "value"
CLEAR: Final = "clear"
RULE_FIELD: Final = "C0 field"
RESET: Final = "We begin anew: what we said before is not in my mind any more. What I remember (/memory) stays."
_HOW: Final = "/preferences FIELD VALUE sets one (tone, format, language), /preferences clear takes all back."
_NAMES: Final = ("tone", "format", "language")
MUTED: Final = "You hear nothing from me unasked until {} UTC; I still answer. /mute off ends it."
UNMUTED: Final = "I tell you again what you have not asked for: limits that are reached, and the like."
_SPAN: Final = re.compile(r"(\d{1,4})\s*(m|min|minutes?|h|hours?|d|days?)")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
OFF: Final = "off"
_SPANS: Final = (("1h", "1 hour"), ("8h", "8 hours"), ("1d", "1 day"), ("7d", "1 week"), (OFF, "not any more"))


def read(words: str) -> Values:
    """A preference and its value, or `clear`."""
    if not words:
        return {}
    name, *value = words.split(None, 1)
    return {FIELD: name.lower(), VALUE: value[0].strip()} if value else {FIELD: name.lower()}


async def preferences_form(hub: Hub, asker: Asker, values: Values) -> tuple[FormField, ...]:
    """All of them, with what is set."""
    if values:
        return ()
    found = await preferences.read(hub, asker.actor)
    if isinstance(found, Refused):
        return ()

    def choice(name: str, label: str, kind: type[Tone] | type[Format], value: str) -> FormField:
        options = tuple(Option(one.value, one.value or "as the agent likes") for one in kind)
        return FormField(name, label, FieldKind.CHOICE, value, options=options)

    return (
        choice("tone", "How answers sound", Tone, found.tone),
        choice("format", "How answers are laid out", Format, found.format),
        FormField("language", "Language, such as pt-BR; empty: that of the question", value=found.language),
    )


async def set_preferences(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    """Sets what is given, and says what holds now."""
    standing = await preferences.read(hub, asker.actor)
    if isinstance(standing, Refused):
        return standing
    if values.get(FIELD) == CLEAR:
        return _told(await preferences.delete(hub, asker.actor))
    if FIELD in values and (values[FIELD] not in _NAMES or not values.get(VALUE)):
        return Refused(ErrorCode.BODY_INVALID, _HOW, (RULE_FIELD,))
    given = (
        {values[FIELD]: values[VALUE]} if FIELD in values else {name: values[name] for name in _NAMES if name in values}
    )
    if not given:
        return _told(standing)
    given = {name: value if name == "language" else value.lower() for name, value in given.items()}
    wanted = fields.read(SetPreferences, {**standing.model_dump(mode="json"), **given})
    return wanted if isinstance(wanted, Refused) else _told(await preferences.put(hub, asker.actor, wanted))


async def mute_form(_hub: Hub, _asker: Asker, values: Values) -> tuple[FormField, ...]:
    """Asks for how long."""
    if values.get(WORDS):
        return ()
    options = tuple(Option(value, label) for value, label in _SPANS)
    return (FormField(WORDS, "Tell me nothing unasked for", FieldKind.CHOICE, "1h", required=True, options=options),)


async def mute(hub: Hub, asker: Asker, values: Values) -> str | Refused:
    """Keeps unasked messages away for a while."""
    span = _span(values.get(WORDS, "1h").lower())
    if span is None:
        return Refused(
            ErrorCode.BODY_INVALID, "Say for how long: /mute 30m, /mute 8h, /mute 2d, /mute off.", (RULE_FIELD,)
        )
    until = await be_quiet(hub, asker.owner, asker.agent, asker.actor.jid, span)
    return UNMUTED if until is None else MUTED.format(until.strftime("%Y-%m-%d %H:%M"))


async def reset(hub: Hub, asker: Asker, _values: Values) -> str | Refused:
    """Notes that the conversation begins anew; its summary goes. Who does it also clears short-term memory."""
    known = await memories.of_subject(hub.pool, asker.agent, asker.actor.jid)
    if summaries := [one.id for one in known if one.kind == SUMMARY]:
        await forget(hub, asker.actor, asker.agent, summaries)
    await chat_choices.reset(hub.pool, asker.owner, asker.agent, asker.actor.jid, hub.clock.now())
    return RESET


def _span(wish: str) -> timedelta | None:
    """No time at all for `off`; None for what is no span, or too long a one."""
    if wish == OFF:
        return timedelta()
    found = _SPAN.fullmatch(wish)
    span = None if found is None else int(found[1]) * _UNITS[found[2][0]]
    return span if span is not None and timedelta() < span <= LONGEST else None


def _told(found: Preferences | Refused) -> str | Refused:
    if isinstance(found, Refused):
        return found
    lines = [f"{name}: {value or '(not set)'}" for name, value in found.model_dump(mode="json").items()]
    return "\n".join([*lines, _HOW])
