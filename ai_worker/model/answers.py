"""Whether an answer has the form that its agent promises (aiox.kernel.answer_schema). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema
from referencing import Registry

from aiox.kernel.answer_schema import wrong_in
from aiox.kernel.canonical import Json

MAX_CHARACTERS: Final = 128 * 1024
"""Longest answer that is checked."""
_FENCED: Final = re.compile(r"\s*```(?:json)?[ \t]*\n(.*)\n```\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer, without the fence that models like to put around JSON, and what is wrong with it: empty for nothing.

    The sentence names a place and a rule, and quotes nothing of the answer.
    """

    text: str
    wrong: str


def check(answer: str, schema: Mapping[str, Json]) -> Checked:
    """Compares an answer with a schema. Takes a time that grows with both: not for the event loop."""
    fenced = _FENCED.fullmatch(answer)
    text = (fenced[1] if fenced else answer).strip()
    return Checked(text, _wrong(text, schema))


def _wrong(text: str, schema: Mapping[str, Json]) -> str:
    if wrong_in(schema):
        return "The agent's schema is none that the hub knows."
    if len(text) > MAX_CHARACTERS:
        return f"It is longer than {MAX_CHARACTERS} characters."
    try:
        value = json.loads(text, parse_constant=_no_constant)
        # A registry of nothing: no reference is ever looked up anywhere.
        found = jsonschema.Draft202012Validator(dict(schema), registry=Registry()).iter_errors(value)
        first = next(iter(found), None)
    except (ValueError, RecursionError):
        return "It is not JSON."
    if first is None:
        return ""
    place = ".".join(str(part) for part in first.absolute_schema_path)
    return f"It does not fit the schema at {place}."


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
