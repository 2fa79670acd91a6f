"""`aiox down` and `aiox reset`: stop the hub of a home; delete the home."""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import Final

from aiox.cli.stack import lock
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn

BUDGET_S: Final = 60.0
_POLL_S: Final = 0.1


def down(home: Home) -> bool:
    """Stops a running hub in order; False when none runs. Raises CannotGoOn when it does not end in time."""
    end = time.monotonic() + BUDGET_S
    pid = _named(home, end)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        raise CannotGoOn(f"process {pid} belongs to another user. Mend: stop the hub as that user.") from None
    except ProcessLookupError:
        return False
    while lock.holder(home) is not None:
        if time.monotonic() > end:
            raise CannotGoOn(f"process {pid} did not stop within {BUDGET_S:.0f} s. Mend: kill -9 {pid}")
        time.sleep(_POLL_S)
    return True


def _named(home: Home, end: float) -> int | None:
    """Who holds the home, once it has said so; None when nobody does. Raises CannotGoOn."""
    while (pid := lock.holder(home)) == lock.UNKNOWN:
        if time.monotonic() > end:
            raise CannotGoOn(f"{home.lock_file} is held, and by whom is not said. Mend: fuser {home.lock_file}")
        time.sleep(_POLL_S)
    return pid


def reset(home: Home) -> None:
    """Stops the hub and deletes its home. Raises CannotGoOn for a folder that is no hub's home."""
    if not home.root.exists():
        return
    if not home.settings_file.exists() and any(home.root.iterdir()):
        raise CannotGoOn(
            f"{home.root} is not the home of a hub (no hub.toml). Mend: delete it yourself if you mean it."
        )
    down(home)
    shutil.rmtree(home.root)
