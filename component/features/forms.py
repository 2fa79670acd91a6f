"""Data forms (XEP-0004): made for answers, and read from submissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal
from xml.etree.ElementTree import Element

from component.stanza_xml import add, child

FORMS: Final = "jabber:x:data"
FORM_TYPE: Final = "FORM_TYPE"
MAX_FIELDS: Final = 100
"""Of a submission that are read."""


def add_form(parent: Element, kind: Literal["form", "result"], form_type: str, title: str = "") -> Element:
    """Adds an empty form with its hidden FORM_TYPE (XEP-0068) and returns it."""
    form = add(parent, FORMS, "x", type=kind)
    if title:
        add(form, FORMS, "title", title)
    add_field(form, FORM_TYPE, form_type, kind="hidden")
    return form


def add_field(form: Element, name: str, *values: str, kind: str = "", label: str = "") -> Element:
    """Adds a field and returns it. `kind` and `label` are left out when empty."""
    attributes = {"var": name, "type": kind, "label": label}
    field = add(form, FORMS, "field", **{key: value for key, value in attributes.items() if value})
    for value in values:
        add(field, FORMS, "value", value)
    return field


def submitted(parent: Element) -> Mapping[str, str] | None:
    """The fields of a submitted form by name, each as its lines; None when there is none of type submit."""
    form = child(parent, FORMS, "x")
    if form is None or form.get("type") != "submit":
        return None
    fields = form.findall(f"{{{FORMS}}}field")[:MAX_FIELDS]
    return {
        field.get("var", ""): "\n".join(value.text or "" for value in field.findall(f"{{{FORMS}}}value"))
        for field in fields
    }
