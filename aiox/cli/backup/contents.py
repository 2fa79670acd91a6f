"""Which files of a home belong into a backup, and a still picture of them while the hub goes on.

Stores are not copied as files: their own tools read them while they run (take.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

LEFT_OUT: Final = frozenset(
    {
        "backups",
        "logs",
        "nats",  # its messages are read
        "postgres",  # its databases are dumped
        "redis",  # made again from the database
        "schema",
        "traces",
        "up.lock",
    }
)
"""What lies in a home and is not copied. Everything else is: what nobody has thought of is kept."""
_OF_EJABBERD: Final = "upload"
"""People's files. Its tables are in PostgreSQL, its configuration is written at every start."""
_HALF: Final = (".new", ".unfinished")
"""Files that are being written; they have their name when they are whole."""


def of_home(root: Path) -> Iterator[Path]:
    """Every file to copy, relative to the home. Links are not followed; what is made meanwhile may be missed."""
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        if here == Path():
            names[:] = [name for name in names if name not in LEFT_OUT]
            files = [name for name in files if name not in LEFT_OUT]
        elif here == Path("ejabberd"):
            names[:], files = [name for name in names if name == _OF_EJABBERD], []
        names.sort()
        yield from (
            here / name for name in sorted(files) if not name.endswith(_HALF) and not Path(folder, name).is_symlink()
        )


def freeze(root: Path, into: Path) -> None:
    """Links every file of the home into `into`; again it adds what is new.

    A link keeps what is deleted or replaced meanwhile. On another disk files are copied. Raises OSError.
    """
    for name in of_home(root):
        kept = into / name
        if kept.exists():
            continue
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _keep(root / name, kept)
        except FileNotFoundError:
            continue  # deleted meanwhile


def frozen(into: Path) -> Mapping[str, Path]:
    """What was linked, by its name in the home."""
    return {path.relative_to(into).as_posix(): path for path in sorted(into.rglob("*")) if path.is_file()}


def _keep(source: Path, kept: Path) -> None:
    try:
        os.link(source, kept, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, kept)
