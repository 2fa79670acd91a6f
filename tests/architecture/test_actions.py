"""The gate's map is total both ways: every action has exactly one way in, every way in exactly one action (SPEC 6)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from typer.main import get_command

from aiox.cli.main import app
from aiox.commands.chat import COMMANDS
from aiox.kernel.actions import Action
from aiox.wire.v1 import worker_pb2 as pb
from component.xmpp import KINDS
from gateway.access import FILES, OPEN, Door
from gateway.app import make_api
from gateway.routes.declared import ACTION_KEY
from policy.access import PROFILES
from policy.ways import CHAT, MACHINE, SHELL, STANZAS, WORKER, ways
from setup.actions_document import DOCUMENT, document
from tests.architecture.house import TOP

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
    found = sorted(Action(operation[ACTION_KEY]) for _, operation in operations())
    assert len(found) == len(set(found)), "an action has two routes"
    assert sorted({*found, *ways()}) == sorted(Action)


def shell_commands(group: Any = None, before: str = "") -> Iterator[str]:
    top: Any = group or get_command(app)
    for name, command in top.commands.items():
        if hasattr(command, "commands"):
            yield from shell_commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_shell_command_has_exactly_one_action() -> None:
    assert set(shell_commands()) | {"chat"} == set(SHELL) | MACHINE


def test_every_kind_of_stanza_has_exactly_one_action() -> None:
    assert set(KINDS) == set(STANZAS)


def test_every_chat_command_has_exactly_one_action() -> None:
    assert {name: command.action for name, command in COMMANDS.items()} == dict(CHAT)


def test_every_question_of_a_worker_has_exactly_one_action() -> None:
    asked = {field.name for field in pb.FromWorker.DESCRIPTOR.fields if field.name.endswith("_asked")}
    assert asked == set(WORKER)


def test_the_page_of_actions_is_up_to_date() -> None:
    assert (TOP / DOCUMENT).read_text() == document(), "run python -m setup.actions_document"


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
    signed = ("GET", f"{FILES}{{token}}")  # the link is the right
    assert sorted(without) == sorted(f"{method.lower()} {path}" for method, path in OPEN | {signed})


def test_every_reference_in_the_api_document_resolves() -> None:
    api = make_api(cast("Door", None), _ready, Path("no-pages-built"))
    document = api.openapi()
    assert document["openapi"].startswith("3.1")
    text = str(document)
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])
