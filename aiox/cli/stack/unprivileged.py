"""PostgreSQL refuses to run as root. Two ways around, the better one first (DESIGN 4)."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_UID: Final = 65534
"""nobody: the one unprivileged user every Debian has, so PostgreSQL finds a name for it."""

_NAMESPACE: Final = ("unshare", "--user", f"--map-user={_UID}", f"--map-group={_UID}", "--")
_DROPPED: Final = (
    "setpriv",
    f"--reuid={_UID}",
    f"--regid={_UID}",
    "--clear-groups",
    "--no-new-privs",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--bounding-set=-all,+dac_override",
    "--",
)


@dataclass(frozen=True, slots=True)
class Disguise:
    """What stands before a command so that it does not see itself as root. `note` is for the person, or empty."""

    prefix: tuple[str, ...]
    owner: int | None = None
    note: str = ""

    def own(self, folder: Path) -> None:
        """Gives `folder` to the user the command will run as."""
        if self.owner is not None and folder.stat().st_uid != self.owner:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.owner, self.owner, follow_symlinks=False)


async def disguise() -> Disguise:
    """Nothing for a common user; for root a user namespace, or another user where namespaces are forbidden."""
    if os.geteuid() != 0:
        return Disguise(())
    if await namespaces_allowed():
        return Disguise(_NAMESPACE)
    return Disguise(
        _DROPPED,
        owner=_UID,
        note="User namespaces are forbidden here: PostgreSQL runs as the user nobody, and no sandbox is available.",
    )


def unreachable(path: Path) -> Path | None:
    """The first folder on the way to `path` that only its owner may enter; None when everyone may reach it.

    PostgreSQL asks access(2) for its own programs, which leaves capabilities out: what stands under /root stays shut.
    """
    return next((folder for folder in reversed(path.resolve().parents) if not folder.stat().st_mode & 0o001), None)


async def namespaces_allowed() -> bool:
    """Whether this process may make a user namespace."""
    if shutil.which("unshare") is None:
        return False
    child = await asyncio.create_subprocess_exec(*_NAMESPACE, "true", stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    return await child.wait() == 0
