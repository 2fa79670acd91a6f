"""Writes docs/actions.md, the table of the gate. `--check` only says whether the file is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from fastapi.routing import APIRoute

from aiox.kernel.actions import Action
from gateway.access import Door
from gateway.app import make_api
from gateway.routes.declared import ACTION_KEY
from policy.access import PROFILES, Relation
from policy.ways import ways
from setup.generated import written

DOCUMENT: Final = Path("docs/actions.md")
HEADER: Final = """# Actions

Every way into the hub maps to exactly one of these actions, and every action has exactly one profile. This page is
generated from the code by `python -m setup.actions_document`; do not edit it. `tests/architecture/test_actions.py`
proves that the map is total both ways.

*Who* is what the built-in policy permits ([policy/access.py](../policy/access.py)): owner of the thing, somebody it is
granted to, anybody while the agent is public, or everyone. An organisation's or a hub's policy can narrow it
([policy.md](policy.md)). *A minute* is how often an account may ask by HTTP, before a setting changes it; the bodies of
GET and DELETE are not read.

| action | who | ways in | a minute | body |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Route:
    """A route as the API describes it. `limit` is that of its module, empty for one that counts in its own way."""

    name: str
    action: Action
    body: str
    limit: str


def document() -> str:
    """The whole page, as Markdown. Raises ValueError when an action has two routes."""
    beside, found = ways(), list(routes())
    by_action = {route.action: route for route in found}
    if len(by_action) != len(found):
        twice = sorted({one.action for one in found if by_action[one.action] is not one})
        raise ValueError(f"these actions have more than one route: {twice}")
    rows = [_row(action, by_action.get(action), beside.get(action, ())) for action in sorted(Action)]
    return HEADER + "".join(rows)


def routes() -> Iterator[Route]:
    """Every operation of the API."""
    api = make_api(cast("Door", None), _ready, Path("no-pages-built"))
    limits = dict(_limits(api.routes))
    for path, methods in api.openapi()["paths"].items():
        for method, operation in methods.items():
            action = Action(operation[ACTION_KEY])
            yield Route(f"{method.upper()} {path}", action, _body(method, operation), limits.get(action, "its own"))


def _limits(found: Iterable[Any]) -> Iterator[tuple[Action, str]]:
    """What the modules of the routes say: each has one figure for its actions, or counts in its own way."""
    for route in found:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from _limits(inner)
        elif isinstance(route, APIRoute) and ACTION_KEY in (route.openapi_extra or {}):
            figure = getattr(route.endpoint, "__globals__", {}).get("PER_MINUTE", "its own")
            yield Action((route.openapi_extra or {})[ACTION_KEY]), str(figure)


async def _ready() -> str:
    return ""


def _row(action: Action, route: Route | None, beside: tuple[str, ...]) -> str:
    named = [f"`{route.name}`"] if route else []
    limit, body = (route.limit, route.body) if route else ("", "")
    return f"| `{action}` | {_who(PROFILES[action])} | {', '.join([*named, *beside])} | {limit} | {body} |\n"


def _who(allowed: frozenset[Relation]) -> str:
    if allowed == frozenset(Relation):
        return "everyone"
    return ", ".join(str(relation) for relation in Relation if relation in allowed)


def _body(method: str, operation: dict[str, Any]) -> str:
    if method in {"get", "delete"}:
        return "not read"
    body = operation.get("requestBody")
    if body is None:
        return "none"
    return "required" if body.get("required") else "optional"


if __name__ == "__main__":
    sys.exit(written(DOCUMENT, document, "setup.actions_document"))
