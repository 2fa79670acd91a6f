"""`aiox doctor`: each thing the hub needs on this machine, with the mend."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.cgroup import find_groups
from aiox.cli.stack import ejabberd, lock, nats, ports, postgres
from aiox.cli.stack.home import Home, check_space
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import SystemClock
from aiox.runtime.objects.s3 import S3Store
from aiox.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` is empty when it is right."""

    what: str
    mend: str = ""


def findings(settings: Settings) -> list[Finding]:
    """Looks at everything; changes nothing."""
    home = Home(settings.home)
    running = lock.holder(home)
    found = [
        _program("redis-server", "Redis"),
        _program("erl", "Erlang"),
        _program("setpriv", "setpriv"),
        sandbox_finding(),
        groups_finding(),
        _checked("ejabberd", ejabberd.libraries),
        _checked("PostgreSQL with pgvector", lambda: postgres.binary("postgres")),
        _checked("NATS", nats.server),
        _model(settings),
        objects_finding(settings),
        _checked("disk space", lambda: check_space(_existing(home))),
    ]
    if running is not None:
        return [*found, Finding(f"the hub runs (process {running or 'unknown yet'})")]
    return [*found, _checked("ports", lambda: ports.check(settings.ports)), Finding("no hub runs at this home")]


def _program(name: str, what: str) -> Finding:
    return Finding(what, "" if shutil.which(name) else f"{name} is not installed. Mend: sh setup/debian.sh")


def sandbox_finding() -> Finding:
    """Starts a sandbox once, as tools will."""
    return Finding("sandbox for tools", asyncio.run(Bubblewrap(SystemClock(), groups=find_groups()).trouble()))


def groups_finding() -> Finding:
    """Whether the kernel adds up what a run holds. The sandbox holds without."""
    groups = find_groups()
    how = groups.named if groups else "none can be made here: memory is watched 20 times a second instead"
    return Finding(f"control groups around the sandbox ({how})")


def _checked(what: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except CannotGoOn as trouble:
        return Finding(what, str(trouble))
    return Finding(what)


def _model(settings: Settings) -> Finding:
    there = settings.minilm_folder.is_dir() and any(settings.minilm_folder.iterdir())
    return Finding("embedding model", "" if there else "it is not built. Mend: sh setup/python.sh")


def objects_finding(settings: Settings) -> Finding:
    """Asks the object store for its first page, as services will; a folder needs no asking."""
    if not settings.objects.endpoint:
        return Finding("object store, a folder")
    try:
        asyncio.run(S3Store(settings.objects).reach())
    except OSError as trouble:
        return Finding("object store", str(trouble))
    return Finding(f"object store, {settings.objects.endpoint}")


def _existing(home: Home) -> Path:
    return next(folder for folder in (home.root, *home.root.parents) if folder.exists())
