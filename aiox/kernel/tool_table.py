"""The hub's tools. Made by `python -m setup.tool_table` from ai_worker/tools/kit: not to be edited."""

from __future__ import annotations

from typing import Final, Literal

from aiox.kernel.tool import ToolDescription

ToolName = Literal[
    "document_parser",
    "search_api",
    "code_executor",
    "email_sender",
    "database_query",
    "http_request",
    "append_line",
]
TOOLS: Final[tuple[ToolDescription, ...]] = ()
