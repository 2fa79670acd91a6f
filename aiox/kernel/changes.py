"""JSON documents compared and patched: what a draft changes, field by field."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from aiox.kernel.canonical import Json, canonical


@dataclass(frozen=True, slots=True)
class Change:
    """One field. `path` is a JSON Pointer (RFC 6901); the values are canonical JSON, None on the side where it is not.

    Objects are gone into; lists are compared and shown whole.
    """

    path: str
    kind: Literal["added", "removed", "changed"]
    before: str | None
    after: str | None


def merged(base: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """`patch` laid over `base` as in RFC 7396: objects are merged, null takes a field away, all else replaces."""
    result = dict(base)
    for name, value in patch.items():
        old = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = merged(old if isinstance(old, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def changes(before: Mapping[str, Json], after: Mapping[str, Json], path: str = "") -> Iterator[Change]:
    """Every field that differs, in the order of their names."""
    for name in sorted(before.keys() | after.keys()):
        here = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in before:
            yield Change(here, "added", None, _text(after[name]))
        elif name not in after:
            yield Change(here, "removed", _text(before[name]), None)
        elif isinstance(old := before[name], Mapping) and isinstance(new := after[name], Mapping):
            yield from changes(old, new, here)
        elif canonical(before[name]) != canonical(after[name]):
            yield Change(here, "changed", _text(before[name]), _text(after[name]))


def unified(before: str, after: str, old: str, new: str) -> str:
    """Two texts line by line in unified form, named `old` and `new`; empty when they are the same."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    return "\n".join(lines)


def _text(value: Json) -> str:
    return canonical(value).decode()
