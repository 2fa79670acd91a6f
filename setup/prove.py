"""`make prove`: runs the tests marked `prove` with a seed, and writes the result into docs/proofs.md.

`python -m setup.prove [PART] [SEED]`: PART is a pytest -k expression, empty for all.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from aiox.runtime.clock import SystemClock

DOCUMENT: Final = Path("docs/proofs.md")
FIGURES: Final = "PROVE_FIGURES"
"""Environment variable that names the file in which rounds leave their figures for the row."""
NOTHING_COLLECTED: Final = 5


def main() -> int:
    """Runs the rounds; returns pytest's exit status."""
    part, seed = ([*sys.argv[1:], "", ""])[:2]
    seed = seed or str(secrets.randbelow(2**32))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "prove",
        "--capture=no",
        "--timeout",
        "0",
        "-k",
        part,
        f"--hypothesis-seed={seed}",
        "tests",
    ]
    began = time.monotonic()
    with tempfile.NamedTemporaryFile("r") as figures:
        environment = {**os.environ, FIGURES: figures.name}  # noqa: TID251 -- handed on whole to the rounds
        status = subprocess.run(command, env=environment, check=False).returncode
        found = "; ".join(figures.read().splitlines())
    if status == NOTHING_COLLECTED:
        print(f"no long round matches {part!r}; nothing was written", file=sys.stderr)  # noqa: T201 -- a command line
        return status
    row = line(str(SystemClock().now().date()), commit(), part, seed, time.monotonic() - began, status, found)
    with DOCUMENT.open("a") as file:
        file.write(row)
    print(row, end="")  # noqa: T201 -- a command line
    return status


def commit() -> str:
    """The commit that is proved; with a plus when files differ from it. Raises CalledProcessError outside git."""
    described = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(described, capture_output=True, text=True, check=True).stdout.strip()


def note(figures: str) -> None:
    """What a round has measured, for its row. Without a `make prove` around it nobody keeps it."""
    if path := os.environ.get(FIGURES):  # noqa: TID251 -- set by `main` above, for its own tests
        with Path(path).open("a") as file:
            file.write(figures.replace("\n", " ") + "\n")


def line(date: str, revision: str, part: str, seed: str, seconds: float, status: int, figures: str = "") -> str:
    """One row of the table."""
    result = "passed" if status == 0 else f"FAILED ({status})"
    figures = figures.replace("|", "/")
    return f"| {date} | {revision} | {part or 'all'} | {seed} | {seconds:.0f} s | {result} | {figures} |\n"


if __name__ == "__main__":
    sys.exit(main())
