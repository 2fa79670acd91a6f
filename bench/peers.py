"""What AIOX is measured beside lives in virtual environments of its own, `.venv-bench` and `.venv-bench-NAME`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[1]
CONSTRAINTS: Final = TOP / "constraints.txt"


def python(name: str = "", *, constrained: bool = True) -> Path:
    """The interpreter of the peers in `peers-NAME.txt`; makes or renews its environment when they changed.

    Not `constrained`: their versions are what they ask for, and not the hub's, where those do not fit together.

    Raises subprocess.CalledProcessError when an installation fails.
    """
    ending = f"-{name}" if name else ""
    folder, requirements = TOP / f".venv-bench{ending}", TOP / "bench" / f"peers{ending}.txt"
    hubs = ("-c", CONSTRAINTS) if constrained else ()
    asked = requirements.read_bytes() + (CONSTRAINTS.read_bytes() if constrained else b"")
    wanted = hashlib.sha256(asked).hexdigest()
    mark = folder / "requirements.sha256"
    interpreter = folder / "bin" / "python"
    if mark.is_file() and mark.read_text() == wanted:
        return interpreter
    print(f"making {folder.name}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    subprocess.run([interpreter, "-m", "pip", "-q", "install", "-r", requirements, *hubs], check=True)
    mark.write_text(wanted)
    return interpreter
