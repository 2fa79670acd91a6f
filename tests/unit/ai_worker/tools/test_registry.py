"""A tool is one file: what the hub knows of it is written from there, and a new one needs no other place changed."""

from __future__ import annotations

import sys
from pathlib import Path

import jsonschema
import pytest

from ai_worker.tools import kit
from ai_worker.tools.registry import kit_of, tools_of
from aiox.kernel.canonical import canonical
from aiox.kernel.tools import known_tools
from setup.tool_table import TABLE, written
from tests.unit.ai_worker.tools.means import MEANS

NEW = """
from ai_worker.tools.port import Given, Means
from aiox.kernel.tools import ToolDescription

DESCRIPTION = ToolDescription(
    name="shout", description="Shouts.", schema={"type": "object"}, worker_type="python", risk="low", read_only=True
)

class Shout:
    name = "shout"

    def __init__(self, means: Means) -> None: ...

    async def run(self, arguments, given: Given) -> str:
        return "HELLO"

make = Shout
"""


def test_the_table_is_what_the_tools_say() -> None:
    assert TABLE.read_text() == written(), "mend: python -m setup.tool_table"
    assert [description.name for description, _ in kit_of()] == list(known_tools(""))


@pytest.mark.parametrize("tool", known_tools("").values(), ids=lambda tool: tool.name)
def test_every_tool_is_described_whole(tool: object) -> None:
    described = known_tools("")[tool.name]  # type: ignore[attr-defined]
    jsonschema.Draft202012Validator.check_schema(dict(described.schema))
    canonical(dict(described.schema))
    assert described.schema["additionalProperties"] is False
    assert described.terms.timeout_ms > 0 < described.terms.max_bytes
    assert described.risk in {"low", "medium"} or described.terms.requires_approval or described.read_only


async def test_a_new_tool_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shout.py").write_text(NEW)
    monkeypatch.setattr(kit, "__path__", [*kit.__path__, str(tmp_path)])
    try:
        tool = tools_of("", MEANS)["shout"]
        assert "shout" in written()
    finally:
        sys.modules.pop("ai_worker.tools.kit.shout", None)
    assert await tool.run({}, None) == "HELLO"  # type: ignore[arg-type]
