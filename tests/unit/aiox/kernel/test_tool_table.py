"""The table of the hub's tools; that it is what the tools say is tested beside them (ai_worker/tools)."""

from __future__ import annotations

from typing import get_args

from aiox.kernel.tool_table import TOOLS, ToolName


def test_each_tool_has_its_name_once() -> None:
    names = [tool.name for tool in TOOLS]
    assert sorted(names) == names
    assert {*names, "append_line"} == set(get_args(ToolName))


def test_what_no_credential_reaches_needs_none() -> None:
    assert {tool.name: tool.credential for tool in TOOLS if tool.credential} == {
        "database_query": "database",
        "email_sender": "smtp",
        "search_api": "search",
    }
