"""Inside: `script.py NAME...` runs main.py of the working folder, then gives the named files to the result pipe.

They come as a JSON object, each in base64. A file that is not there, or no plain file, is left out.
"""

from __future__ import annotations

import base64
import json
import os
import runpy
import stat
import sys
import traceback

_MAX_FILE = 8 << 20


def main() -> int:
    """Runs it once. Its status is the program's own."""
    names, sys.argv = sys.argv[1:], ["main.py"]
    sys.path.insert(0, os.curdir)
    status = _run()
    sys.stdout.flush()
    found = {name: base64.b64encode(content).decode() for name in names if (content := _read(name)) is not None}
    if found:
        with open(int(os.environ["RESULT_FD"]), "wb") as result:  # noqa: PTH123, TID251 -- inside, where there is no hub
            result.write(json.dumps(found).encode())
    return status


def _run() -> int:
    try:
        runpy.run_path("main.py", run_name="__main__")
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001 -- whatever a program may raise is shown to who wrote it
        traceback.print_exc(limit=-4)
        return 1
    return 0


def _read(name: str) -> bytes | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor
        return file.read(_MAX_FILE) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


if __name__ == "__main__":
    sys.exit(main())
