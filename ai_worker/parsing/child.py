"""The process that parses one file and ends: `python -I -m ai_worker.parsing.child [FD]`.

In: a line of JSON with `declared` and `name`, then the file. Out, on FD (1 when left out): a line of JSON with
`media_type` and `markdown`, then the text; or one line with `unreadable`, the sentence for the file's owner.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import BinaryIO, Final

from ai_worker.parsing.parse import parse
from ai_worker.parsing.port import CPU_S, MEMORY_BYTES
from ai_worker.parsing.text import Unreadable

TOO_BIG: Final = f"Reading it takes more than {MEMORY_BYTES >> 20} MiB of memory. It is not read."
_LIMITS: Final = (
    (resource.RLIMIT_AS, MEMORY_BYTES),
    (resource.RLIMIT_CPU, CPU_S),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 32),
)


def confine() -> None:
    """Gives up what parsing does not need, before a byte of the file is read; there is no way back."""
    for limit, value in _LIMITS:
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))


def answer(given: BinaryIO) -> bytes:
    """What is written for one file. Raises what a bug in a parser raises: the parent sees the exit status."""
    head = json.loads(given.readline())
    try:
        parsed = parse(given.read(), head["declared"], head["name"])
    except Unreadable as why:
        return _line({"unreadable": str(why)})
    except MemoryError:
        return _line({"unreadable": TOO_BIG})
    return _line({"media_type": parsed.media_type, "markdown": parsed.markdown}) + parsed.text.encode()


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def main() -> None:
    """One file."""
    confine()
    out = answer(sys.stdin.buffer)
    with os.fdopen(int(sys.argv[1]) if len(sys.argv) > 1 else 1, "wb") as pipe:
        pipe.write(out)


if __name__ == "__main__":
    main()
