"""The whole examination, from the machine to the work in hand."""

from __future__ import annotations

import os
import ssl

from aiox.cli.backup.shelf import Shelf
from aiox.cli.doctor.backups import look_at_backups
from aiox.cli.doctor.certificates import look_at_certificates
from aiox.cli.doctor.finding import Finding, checked
from aiox.cli.doctor.machine import look_at_machine
from aiox.cli.doctor.names import Names
from aiox.cli.doctor.public import look_at_public
from aiox.cli.doctor.rights import look_at_rights
from aiox.cli.doctor.running import look_at_running
from aiox.cli.doctor.state import look_at_state
from aiox.cli.stack import ejabberd, lock, ports
from aiox.cli.stack.home import Home
from aiox.runtime.clock import Clock
from aiox.runtime.settings import Settings


async def examine(settings: Settings, clock: Clock, *, public: bool = False) -> list[Finding]:
    """Looks at everything; changes nothing. With `public` also at what others on the internet see of the hub."""
    found = await _here(settings, clock)
    if not public:
        return found
    async with Names() as names:
        trust = ssl.create_default_context()
        return [*found, *await look_at_public(settings, clock.now(), names, trust, ejabberd.libraries)]


async def _here(settings: Settings, clock: Clock) -> list[Finding]:
    """Where no hub runs, its ports are looked at instead of its answers."""
    home = Home(settings.home)
    found = [
        *await look_at_machine(settings, clock),
        *look_at_rights(home, os.geteuid()),
        *look_at_certificates(home, settings.domain, clock.now()),
    ]
    running = lock.holder(home)
    if running is None:
        return [*found, checked("ports", lambda: ports.check(settings.ports)), Finding("no hub runs at this home")]
    return [
        *found,
        Finding(f"the hub runs (process {running or 'unknown yet'})"),
        *await look_at_running(home, settings),
        *await look_at_state(home, settings, clock.now()),
        look_at_backups(Shelf.of(settings), settings.backup.every_h, clock.now()),
    ]
