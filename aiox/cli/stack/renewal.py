"""Certificates of a hub that runs for a year: renewed in time, and taken up by their users while the hub runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiox.cli.stack import ca
from aiox.cli.stack.home import Home
from aiox.cli.stack.parts import Parts
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.secrets import SecretMissing
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_server import XmppServerTrouble

EVERY_S: Final = 3600.0
ORDER: Final = ("ai_worker", "orchestrator", "component", "gateway")
"""Services that read their certificate once: they are started again, one after the other, the doors last."""


async def renew_for_ever(home: Home, settings: Settings, parts: Parts, clock: Clock, log: Log) -> None:
    """Looks once an hour, until cancelled. What fails is said and tried again."""
    reload = ServerAccounts(home, settings).reload
    while True:
        try:
            await renew(home, settings, parts, clock, reload)
        except (CannotGoOn, SecretMissing, XmppServerTrouble, OSError) as failed:
            log.error("certificates_not_renewed", error=str(failed))
        await asyncio.sleep(EVERY_S)


async def renew(
    home: Home, settings: Settings, parts: Parts, clock: Clock, reload: Callable[[], Awaitable[None]]
) -> Sequence[str]:
    """Renews what ends within 30 days, and has its users take it up. Returns whose were renewed."""
    fresh = ca.ensure(home, settings.domain, clock.now())
    if ca.XMPP in fresh:
        await reload()
    for service in ORDER:
        for name in parts.instances(service) if service in fresh else ():
            await parts.renew(name)
    return fresh
