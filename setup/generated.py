"""A page or file that is made from the code: written, or with `--check` only compared."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def written(document: Path, text: Callable[[], str], module: str) -> int:
    """Writes the file; with `--check` in the program's arguments, returns 1 when it is out of date, and says the mend.

    `module` is what makes it, by its name.
    """
    if "--check" not in sys.argv[1:]:
        document.write_text(text())
        return 0
    if document.is_file() and document.read_text() == text():
        return 0
    print(f"{document} is out of date. Mend: python -m {module}")  # noqa: T201 -- the gate's answer
    return 1
