"""Inside: `call.py MODULE FUNCTION` gives standard input to the function and its answer, bytes, to the result pipe.

What the function prints goes to standard output, apart from its answer. What it raises ends with status 1.
"""

from __future__ import annotations

import importlib
import os
import sys


def main() -> None:
    """Calls it once."""
    sys.path.insert(0, "/code")
    with open(int(os.environ["RESULT_FD"]), "wb") as result:  # noqa: PTH123, TID251 -- inside, where there is no hub
        function = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
        result.write(function(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
