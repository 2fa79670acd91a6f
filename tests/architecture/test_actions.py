"""The gate's map is total both ways: every action has exactly one way in, every way in exactly one action (SPEC 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from aiox.kernel.actions import Action
from gateway.access import OPEN, Door
from gateway.app import make_api
from gateway.routes.declared import ACTION_KEY
from policy.access import PROFILES

ELSEWHERE = {
    Action.ACCOUNT_CREATE: "the command line; signing up is an action of its own",
    Action.USER_LIST: "the command line",
    Action.USER_READ: "the command line",
    Action.USER_ROLE: "the command line",
    Action.USER_PASSWORD: "the command line",
    Action.USER_SECOND_FACTOR: "the command line",
    Action.USER_DEACTIVATE: "the command line",
    Action.USER_ACTIVATE: "the command line",
    Action.USER_SESSIONS: "the command line",
    Action.LEDGER_VERIFY: "the command line",
    Action.LEDGER_SEAL: "the command line",
    Action.LEDGER_KEY_ROTATE: "the command line",
    Action.LEDGER_KEY_RETIRE: "the command line",
    Action.KEY_LIST: "the command line",
    Action.KEY_ADD: "the command line",
    Action.KEY_ROTATE: "the command line",
    Action.KEY_RETIRE: "the command line",
    Action.TOOL_CALL: "a worker's question on the stream of a turn",
    Action.CHAT_HELP: "a message that begins with a slash",
    Action.CHAT_WHY: "a message that begins with a slash",
    Action.CHAT_QUOTA: "a message that begins with a slash",
    Action.CHAT_APPROVALS: "a message that begins with a slash",
}
"""Actions whose way in is not HTTP."""


async def _ready() -> str:
    return ""


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    api = make_api(cast("Door", None), _ready, Path("no-pages-built"))
    for path, methods in api.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_every_route_has_exactly_one_action_and_every_action_one_way_in() -> None:
    found = {name: Action(operation[ACTION_KEY]) for name, operation in operations()}
    assert sorted(found.values()) == sorted(set(Action) - set(ELSEWHERE))


def test_every_action_has_a_profile_and_every_profile_an_action() -> None:
    assert set(PROFILES) == set(Action)


def test_no_route_has_a_default_answer() -> None:
    for name, operation in operations():
        assert "default" not in operation["responses"], name
        assert all(code.isdigit() for code in operation["responses"]), name


def test_every_error_is_a_problem_document() -> None:
    for name, operation in operations():
        for code, response in operation["responses"].items():
            if int(code) >= 400:
                assert set(response["content"]) == {"application/problem+json"}, f"{name} {code}"


def test_every_route_but_the_ways_to_sign_in_says_that_it_needs_a_token() -> None:
    without = [name for name, operation in operations() if "security" not in operation]
    assert sorted(without) == sorted(f"{method.lower()} {path}" for method, path in OPEN)


def test_every_reference_in_the_api_document_resolves() -> None:
    api = make_api(cast("Door", None), _ready, Path("no-pages-built"))
    document = api.openapi()
    assert document["openapi"].startswith("3.1")
    text = str(document)
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])
