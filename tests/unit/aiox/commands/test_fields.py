"""Fields of commands: refused with a sentence that names the field and hides the value."""

from __future__ import annotations

import pytest

from aiox.commands.create_account import CreateAccount
from aiox.commands.create_agent import CreateAgent
from aiox.commands.fields import read
from aiox.commands.put_document import PutDocument
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused

GOOD = {"email": "Ada@Example.org ", "password": "correct horse", "name": "ada"}


def test_good_fields_are_read_and_normalised() -> None:
    fields = read(CreateAccount, GOOD)
    assert isinstance(fields, CreateAccount)
    assert fields.email == "ada@example.org"
    assert "correct horse" not in repr(fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "ada"),
        ("email", "a@b@c"),
        ("email", "a b@c"),
        ("password", "too short"),
        ("password", "x" * 257),
        ("name", "Ada"),
        ("name", "a/b"),
        ("name", "a@b"),
        ("name", ""),
        ("name", "-a"),
    ],
)
def test_bad_fields_are_named_and_not_repeated(name: str, value: str) -> None:
    refused = read(CreateAccount, {**GOOD, name: value})
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.BODY_INVALID
    assert refused.reason.startswith(f"{name}: ")
    assert name != "password" or value not in refused.reason


def test_unknown_fields_are_refused() -> None:
    assert isinstance(read(CreateAccount, {**GOOD, "admin": True}), Refused)


@pytest.mark.parametrize(
    "given",
    [
        {"shared_with": ["a@b"]},
        {"visibility": "shared", "shared_with": ["a@b", "A@B"]},
        {"visibility": "shared", "shared_with": ["a@b/phone"]},
        {"tools": [{"name": "http_request"}, {"name": "http_request"}]},
        {"profile": {"name": "Ada", "system_prompt": "x" * 32_769}},
    ],
)
def test_agents_that_do_not_fit_together_are_refused(given: dict[str, object]) -> None:
    assert isinstance(read(CreateAgent, {"profile": {"name": "Ada"}, **given}), Refused)


@pytest.mark.parametrize("content", ["", " \n", "a\x00"])
def test_documents_need_text(content: str) -> None:
    given = {"agent_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2", "title": "t", "source": "s", "content": content}
    assert isinstance(read(PutDocument, given), Refused)
