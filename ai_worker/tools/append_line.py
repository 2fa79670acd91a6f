"""The test tool: appends a line to a file in a folder of the tests. An effect that can be counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ai_worker.tools.port import Given, ToolFailed
from aiox.kernel.canonical import Json
from aiox.kernel.tools import APPEND_LINE


@dataclass(frozen=True, slots=True)
class AppendLine:
    """Writes into `folder` only: the schema lets no separator into the file's name."""

    folder: Path
    name: str = APPEND_LINE.name

    async def run(self, arguments: Mapping[str, Json], _given: Given) -> str:
        """Appends, and says how many lines there are."""
        path, line = self.folder / str(arguments["file"]), str(arguments["line"])
        try:
            return await asyncio.to_thread(_append, path, line)
        except OSError as broken:
            raise ToolFailed(f"The file could not be written: {broken.strerror}") from broken


def _append(path: Path, line: str) -> str:
    with path.open("a+") as file:
        file.write(f"{line}\n")
        file.flush()
        file.seek(0)
        return f"The file has {len(file.readlines())} lines now."
