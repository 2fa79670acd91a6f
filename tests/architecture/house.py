"""A copy of the tree in which wrong things can be planted, and the gates run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]
PACKAGES: Final = ("aiox", "policy", "registry", "component", "gateway", "orchestrator", "ai_worker")
_FILES: Final = ("pyproject.toml", ".importlinter", "docs/settings.md")
_LITTER: Final = shutil.ignore_patterns("__pycache__", "results", ".*_cache", "node_modules")


@dataclass(frozen=True, slots=True)
class Checked:
    """What `setup/check.sh` said."""

    status: int
    said: str

    def verdicts(self) -> dict[str, str]:
        """Gate name to `ok` or `FAILED`."""
        lines = [line.split() for line in self.said.splitlines() if line and not line.startswith(" ")]
        return {words[0]: words[1] for words in lines}


@dataclass(frozen=True, slots=True)
class House:
    """A copy of the tree at `top`."""

    top: Path

    def check(self, *gates: str) -> Checked:
        """Runs these gates as `make check` does."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIOX_")}
        ran = subprocess.run(
            ["sh", "setup/check.sh", *gates], cwd=self.top, env=inherited, capture_output=True, text=True, check=False
        )
        return Checked(ran.returncode, ran.stdout + ran.stderr)

    @contextmanager
    def planted(self, place: str, text: str) -> Iterator[None]:
        """Puts `text` at the end of the file at `place` until the block ends."""
        path = self.top / place
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((before or "") + text)
        try:
            yield
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_text(before)


def build(top: Path, folders: tuple[str, ...]) -> House:
    """A house with these folders whole; of the other packages it has the `__init__.py` files only."""
    for folder in (*folders, "setup", "proto"):
        shutil.copytree(TOP / folder, top / folder, ignore=_LITTER, dirs_exist_ok=True)
    for package in PACKAGES:
        for path in (TOP / package).rglob("__init__.py"):
            copy = top / path.relative_to(TOP)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    for name in ("tests", "bench"):
        (top / name).mkdir(exist_ok=True)
        (top / name / "__init__.py").touch()
    for name in _FILES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, top / name)
    (top / ".venv").symlink_to(sys.prefix)
    return House(top)
