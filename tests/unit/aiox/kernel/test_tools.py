"""The tools' descriptions hold together."""

from __future__ import annotations

from uuid import uuid4

import jsonschema

from aiox.kernel.tools import APPEND_LINE, call_id, known_tools


def test_the_test_tool_is_there_only_with_its_folder() -> None:
    assert "append_line" not in known_tools("")
    assert dict(known_tools("somewhere")) == {**known_tools(""), "append_line": APPEND_LINE}


def test_every_schema_is_one_of_an_object_and_refuses_what_it_does_not_name() -> None:
    for tool in known_tools("x").values():
        jsonschema.Draft202012Validator.check_schema(dict(tool.schema))
        assert (tool.schema["type"], tool.schema["additionalProperties"]) == ("object", False)


def test_call_ids_are_derived() -> None:
    turn = uuid4()
    assert call_id(turn, 0) == call_id(turn, 0)
    assert len({call_id(turn, 0), call_id(turn, 1), call_id(uuid4(), 0)}) == 3
