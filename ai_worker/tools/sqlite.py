"""Reads from an SQLite file of the owner's: a copy of it goes into the sandbox, and only rows come out."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ai_worker.sandbox import inside
from ai_worker.sandbox.calls import call
from ai_worker.sandbox.port import MIB, Limits, Sandbox, Why
from ai_worker.tools.port import ToolFailed

MAX_FILE: Final = 64 * MIB
"""Of a database file, in bytes."""
SCHEME: Final = "sqlite:"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_READER: Final = Path(inside.__file__).parent / "sqlite_reader.py"
_NO_FILE: Final = "The database credential names no SQLite file that is there for this owner (sqlite:name.db)."


async def read(
    sandbox: Sandbox, folder: Path | None, owner: UUID | None, secret: str, sql: str, tables: Sequence[str], rows: int
) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows. The file is FOLDER/OWNER/NAME: nobody can name another owner's. Raises ToolFailed,
    SandboxUnavailable.
    """
    content = await asyncio.to_thread(_content, folder, owner, secret.removeprefix(SCHEME))
    asked = json.dumps({"sql": sql, "tables": list(tables), "rows": rows}).encode()
    limits = Limits(wall_s=6.0, cpu_s=5, disk_bytes=MAX_FILE + MIB, file_bytes=MAX_FILE, processes=2)
    job = replace(call(_READER, "read", asked, limits=limits), files={"data.db": content})
    finished = await sandbox.run(job)
    if finished.why is Why.TIME:
        raise ToolFailed("The query took longer than 5 seconds.")
    if not finished.ok:
        raise ToolFailed("The database file could not be read.")
    return _checked(finished.result)


def _content(folder: Path | None, owner: UUID | None, name: str) -> bytes:
    """The file, which is no link and no larger than may be. Raises ToolFailed."""
    if folder is None or owner is None or not _NAME.fullmatch(name):
        raise ToolFailed(_NO_FILE)
    try:
        descriptor = os.open(folder / str(owner) / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise ToolFailed(_NO_FILE) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ToolFailed(_NO_FILE)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            content = file.read(MAX_FILE + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE:
        raise ToolFailed(f"The database file is larger than {MAX_FILE // MIB} MiB.")
    return content


def _checked(said: bytes) -> tuple[list[str], list[list[Any]]]:
    """What came out, checked as a stranger's words: a hostile file may have taken the reader over."""
    try:
        found = json.loads(said)
        if "error" in found:
            raise ToolFailed(f"The database refuses it: {str(found['error'])[:40]}.")
        columns, rows = found["columns"], found["rows"]
        if not all(isinstance(one, list) and len(one) == len(columns) for one in rows):
            raise TypeError
        return [str(one) for one in columns], rows
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ToolFailed("The database file could not be read.") from None
