"""Runs every probe in the sandbox and prints what came of each, as JSON: `python -m ...as_user HOST`. As any user."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.calls import INTERPRETER
from ai_worker.sandbox.cgroup import find_groups
from ai_worker.sandbox.port import Job, Limits
from aiox.runtime.clock import SystemClock
from tests.security.ai_worker.sandbox.probes import LIMITS, MARK, PROBES, TIGHT, Host, script

CANARY = {"honest": "print('ESCAPED')"}
"""Beside the probes, one that always says so: a sandbox in which nothing runs at all would not be noticed otherwise."""


async def attacked(host: Host) -> dict[str, str]:
    """For each probe `out` or `in`."""
    sandbox = Bubblewrap(SystemClock(), groups=find_groups())
    os.environ["CANARY"] = "secret"
    leaked = os.open(host.file, os.O_RDONLY)
    os.set_inheritable(leaked, True)

    async def one(name: str, text: str, limits: Limits) -> tuple[str, str]:
        job = Job((*INTERPRETER, "-c", text), code={"shown.py": Path(__file__)}, limits=limits)
        finished = await sandbox.run(job)
        return name, "out" if MARK.encode() in finished.stdout.split() else "in"

    texts = {name: script(name, host, "/code/shown.py", "/tmp/long") for name in PROBES} | CANARY
    return dict(await asyncio.gather(*(one(name, text, TIGHT.get(name, LIMITS)) for name, text in texts.items())))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(attacked(Host(**json.loads(sys.argv[1]))))))
