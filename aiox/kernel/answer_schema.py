"""The form that an agent may promise its answers in: a small part of JSON Schema (draft 2020-12). Pure.

Left out is what costs more to check than the text is long, or reads what stands elsewhere: references, patterns,
formats. What is left says nothing that a provider's structured output would not understand either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

from aiox.kernel.canonical import canonical

MAX_BYTES: Final = 8 * 1024
"""Of the whole schema, as canonical JSON."""
MAX_DEPTH: Final = 12
MAX_PARTS: Final = 200
"""Schemas inside the schema."""
_TYPES: Final = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def wrong_in(schema: Mapping[str, Any]) -> str:
    """What keeps this from being a schema for answers, as a sentence; empty when nothing does."""
    wrong = _Walk().schema(schema, "schema", 1)
    if wrong:
        return wrong
    if schema.get("type") != "object":
        return "An answer's schema must be of type object."
    try:
        written = canonical(schema)
    except (ValueError, UnicodeError):
        return "The schema has a text or a number that JSON cannot carry."
    if len(written) > MAX_BYTES or b"\\u0000" in written:
        return f"The schema is longer than {MAX_BYTES} bytes, or has a NUL character."
    return ""


class _Walk:
    def __init__(self) -> None:
        self._parts = 0
        self._checks: Mapping[str, Callable[[Any, str, int], str]] = {
            "type": lambda value, at, _: _unless(isinstance(value, str) and value in _TYPES, at, "no type of JSON"),
            "title": lambda value, at, _: _unless(isinstance(value, str), at, "no text"),
            "description": lambda value, at, _: _unless(isinstance(value, str), at, "no text"),
            "enum": lambda value, at, _: _unless(_is_list(value) and all(map(_is_plain, value)), at, "no plain values"),
            "const": lambda value, at, _: _unless(_is_plain(value), at, "no plain value"),
            "required": lambda value, at, _: _unless(_is_names(value), at, "no list of different names"),
            "minimum": lambda value, at, _: _unless(_is_number(value), at, "no number"),
            "maximum": lambda value, at, _: _unless(_is_number(value), at, "no number"),
            "minLength": lambda value, at, _: _unless(_is_count(value), at, "no count"),
            "maxLength": lambda value, at, _: _unless(_is_count(value), at, "no count"),
            "minItems": lambda value, at, _: _unless(_is_count(value), at, "no count"),
            "maxItems": lambda value, at, _: _unless(_is_count(value), at, "no count"),
            "items": self.schema,
            "additionalProperties": lambda value, at, depth: (
                "" if isinstance(value, bool) else self.schema(value, at, depth)
            ),
            "properties": self._properties,
            "anyOf": self._any_of,
        }

    def schema(self, value: Any, at: str, depth: int) -> str:
        """What is wrong with one schema and all inside it."""
        self._parts += 1
        if not isinstance(value, Mapping):
            return f"{at} is no object."
        if depth > MAX_DEPTH or self._parts > MAX_PARTS:
            return f"The schema has more than {MAX_PARTS} parts, or is deeper than {MAX_DEPTH}."
        for keyword, given in value.items():
            check = self._checks.get(keyword)
            if check is None:
                return f"{at} has {keyword[:40]!r}: known are {', '.join(self._checks)}."
            if wrong := check(given, f"{at}.{keyword}", depth + 1):
                return wrong
        return ""

    def _properties(self, value: Any, at: str, depth: int) -> str:
        if not isinstance(value, Mapping):
            return f"{at} is no object."
        found = (self.schema(one, f"{at}.{_shown(name)}", depth) for name, one in value.items())
        return next(filter(None, found), "")

    def _any_of(self, value: Any, at: str, depth: int) -> str:
        if not _is_list(value):
            return f"{at} is no list of schemas."
        return next(filter(None, (self.schema(one, at, depth) for one in value)), "")


def _shown(name: str) -> str:
    """A name in a sentence: its beginning, and half a character (a lone surrogate) as its number."""
    return name[:40].encode("utf-8", "backslashreplace").decode()


def _unless(right: bool, at: str, wrong: str) -> str:
    return "" if right else f"{at} is {wrong}."


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0


def _is_names(value: Any) -> bool:
    names = isinstance(value, Sequence) and all(isinstance(one, str) for one in value)
    return names and not isinstance(value, str) and len(set(value)) == len(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | str) or _is_number(value)
