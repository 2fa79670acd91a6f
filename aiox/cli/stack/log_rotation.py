"""Logs of the hub's processes stay short: one that has grown is copied aside and emptied, while its process writes on.

All of them write at the end of their file (O_APPEND), so that the next line goes to the beginning of the emptied one. A
line that is written between the copy's last byte and the emptying, microseconds, is lost.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiox.runtime.logs import Log

LOG_BYTES: Final = 10 << 20
"""Beyond this a log is put aside."""
KEPT: Final = 3
"""So many older ones are kept of each: `.1` is the youngest."""
EVERY_S: Final = 60.0


async def rotate_for_ever(logs: Path, log: Log) -> None:
    """Looks every minute, until cancelled. What fails is said and tried again."""
    while True:
        try:
            for name in await asyncio.to_thread(rotate, logs):
                log.info("log_put_aside", file=name)
        except OSError as failed:
            log.warning("logs_not_put_aside", error=repr(failed))
        await asyncio.sleep(EVERY_S)


def rotate(logs: Path, most: int = LOG_BYTES, kept: int = KEPT) -> Sequence[str]:
    """Puts every log of more than `most` bytes aside; returns their names. Raises OSError."""
    grown = [path for path in sorted(logs.glob("*.log")) if path.stat().st_size > most]
    for path in grown:
        _shift(path, kept)
        shutil.copyfile(path, _older(path, 1))
        _older(path, 1).chmod(0o600)
        os.truncate(path, 0)
    return [path.name for path in grown]


def _shift(path: Path, kept: int) -> None:
    for number in range(kept - 1, 0, -1):
        if _older(path, number).exists():
            _older(path, number).replace(_older(path, number + 1))


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
