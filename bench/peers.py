"""The things AIOX is measured beside live in a virtual environment of their own, `.venv-bench`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[1]
FOLDER: Final = TOP / ".venv-bench"
REQUIREMENTS: Final = Path(__file__).with_name("peers.txt")
CONSTRAINTS: Final = TOP / "constraints.txt"


def python() -> Path:
    """The interpreter of the peers; makes or renews the environment when the requirements changed.

    Raises subprocess.CalledProcessError when an installation fails.
    """
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + CONSTRAINTS.read_bytes()).hexdigest()
    mark = FOLDER / "requirements.sha256"
    interpreter = FOLDER / "bin" / "python"
    if mark.is_file() and mark.read_text() == wanted:
        return interpreter
    print("making .venv-bench", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
    subprocess.run([interpreter, "-m", "pip", "-q", "install", "-r", REQUIREMENTS, "-c", CONSTRAINTS], check=True)
    mark.write_text(wanted)
    return interpreter
