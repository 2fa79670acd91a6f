"""Ad-hoc commands (XEP-0050) with data forms (XEP-0004): read from iq stanzas and written as such. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.command import YES, CommandAnswered, CommandName, FieldKind, FormField, Values
from component.features.disco import COMMANDS, INFO, ITEMS, asks, node_of
from component.features.forms import FORMS, add_field, add_form, submitted
from component.stanza_xml import COMPONENT, STANZAS, add, child, stanza

FORM: Final = "urn:aiox:commands:0"
MAX_VALUE: Final = 64 * 1024
"""Characters of a submitted value."""
_ACTIONS: Final = frozenset({"", "execute", "next", "complete", "cancel"})
_KINDS: Final = {
    FieldKind.LINE: "text-single",
    FieldKind.TEXT: "text-multi",
    FieldKind.CHOICE: "list-single",
    FieldKind.YES_OR_NO: "boolean",
    FieldKind.WORDS: "fixed",
}
_TICKED: Final = frozenset({"1", "true"})


@dataclass(frozen=True, slots=True)
class Step:
    """What a client asks: a command's name, the session it goes on with, whether it gives up, and what it filled in."""

    node: str
    session: str
    cancels: bool
    values: Values


class BadStep(Exception):
    """A request that is none; `condition` is the command's own condition (section 4.7)."""

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition = condition


def asks_command(query: Element) -> bool:
    """Whether this iq is about a command."""
    return query.get("type") == "set" and child(query, COMMANDS, "command") is not None


def asks_commands(query: Element) -> bool:
    """Whether this asks which commands there are, or what one of them is."""
    if asks(query, ITEMS):
        return node_of(query, ITEMS) == COMMANDS
    return asks(query, INFO) and (node_of(query, INFO) == COMMANDS or node_of(query, INFO).startswith(f"{FORM}#"))


def read_step(query: Element) -> Step:
    """What is asked. Raises BadStep."""
    command = child(query, COMMANDS, "command")
    if command is None:
        raise BadStep("malformed-action")
    action = command.get("action", "")
    if action not in _ACTIONS:
        raise BadStep("bad-action" if action == "prev" else "malformed-action")
    values = submitted(command) or {}
    if any(len(value) > MAX_VALUE for value in values.values()):
        raise BadStep("bad-payload")
    node = command.get("node", "").removeprefix(f"{FORM}#")
    return Step(node, command.get("sessionid", ""), action == "cancel", values)


def typed(values: Values, form: tuple[FormField, ...]) -> Values:
    """The submitted values of the fields of this form; what was not asked for is left out."""
    kinds = {one.name: one.kind for one in form if one.kind is not FieldKind.WORDS}
    return {
        name: (YES if value.strip().lower() in _TICKED else "") if kinds[name] is FieldKind.YES_OR_NO else value.strip()
        for name, value in values.items()
        if name in kinds
    }


def answer_step(query: Element, session: str, answered: CommandAnswered) -> Element:
    """A form that is to be filled in, or what came of the command (sections 2.4 and 4.4)."""
    status = "executing" if answered.form else "completed"
    reply, command = _command(query, session, status)
    if answered.form:
        step = "next" if answered.more else "complete"
        add(add(command, COMMANDS, "actions", execute=step), COMMANDS, step)
        _add_form(command, answered)
    else:
        add(command, COMMANDS, "note", answered.text, type="error" if answered.error_code else "info")
    return reply


def answer_cancel(query: Element, session: str) -> Element:
    """The command was given up."""
    return _command(query, session, "canceled")[0]


def answer_names(query: Element, names: tuple[CommandName, ...]) -> Element | None:
    """The list of commands, or what one of them is; None for one that is not there."""
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    if asks(query, ITEMS):
        items = add(reply, ITEMS, "query", node=COMMANDS)
        for one in names:
            add(items, ITEMS, "item", jid=query.get("to", ""), node=f"{FORM}#{one.name}", name=one.title)
        return reply
    node = node_of(query, INFO)
    info = add(reply, INFO, "query", node=node)
    if node == COMMANDS:
        add(info, INFO, "identity", category="automation", type="command-list", name="Commands")
        return reply
    found = next((one for one in names if f"{FORM}#{one.name}" == node), None)
    if found is None:
        return None
    add(info, INFO, "identity", category="automation", type="command-node", name=found.title)
    for feature in (COMMANDS, FORMS):
        add(info, INFO, "feature", var=feature)
    return reply


def bad_step(query: Element, condition: str) -> Element:
    """The error for a request that is none."""
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "error", query.get("id", ""))
    error = add(reply, COMPONENT, "error", type="modify")
    add(error, STANZAS, "bad-request")
    add(error, COMMANDS, condition)
    return reply


def _command(query: Element, session: str, status: str) -> tuple[Element, Element]:
    asked = child(query, COMMANDS, "command")
    node = "" if asked is None else asked.get("node", "")
    reply = stanza("iq", query.get("to", ""), query.get("from", ""), "result", query.get("id", ""))
    return reply, add(reply, COMMANDS, "command", node=node, sessionid=session, status=status)


def _add_form(command: Element, answered: CommandAnswered) -> None:
    form = add_form(command, "form", FORM, answered.title)
    for one in answered.form:
        kind = _KINDS[one.kind]
        value = ("true" if one.value else "false") if one.kind is FieldKind.YES_OR_NO else one.value
        if one.kind is FieldKind.WORDS:
            add_field(form, "", *value.splitlines(), kind=kind, label=one.label)
            continue
        lines = value.splitlines() if one.kind is FieldKind.TEXT else [value] if value or one.options else []
        field = add_field(form, one.name, *lines, kind=kind, label=one.label)
        if one.required:
            add(field, FORMS, "required")
        for option in one.options:
            add(add(field, FORMS, "option", label=option.label), FORMS, "value", option.value)
