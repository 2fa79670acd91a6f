"""Which tools this worker has the code of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ai_worker.tools.append_line import AppendLine
from ai_worker.tools.port import Tool


def tools_of(test_folder: str) -> Mapping[str, Tool]:
    """By name; those of `aiox.kernel.tools.known_tools` with the same setting, and no others."""
    found: list[Tool] = [AppendLine(Path(test_folder))] if test_folder else []
    return MappingProxyType({tool.name: tool for tool in found})
