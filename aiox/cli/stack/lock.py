"""One `aiox up` per home: a lock file that holds the process id and is freed by the kernel when the process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn

UNKNOWN: Final = 0
"""Held, by a process that is just starting or stopping."""


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Holds the home for this process. Raises CannotGoOn when another `aiox up` holds it."""
    handle = os.open(home.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotGoOn(
                f"a hub runs on {home.root} already (process {holder(home) or 'unknown yet'})."
                " Mend: use it, stop it with 'make down', or set AIOX_HOME to another folder."
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder(home: Home) -> int | None:
    """The process id of the `aiox up` that holds the home; UNKNOWN while it has not said it, None when nobody does."""
    try:
        handle = os.open(home.lock_file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(handle, 32).decode().strip()
        return int(text) if text.isdigit() else UNKNOWN
    else:
        return None
    finally:
        os.close(handle)
