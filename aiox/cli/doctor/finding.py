"""What the doctor finds: a thing looked at, and what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.nats import BusNotDurable
from aiox.runtime.secrets import SecretMissing
from aiox.runtime.xmpp_server import XmppServerTrouble

_TROUBLE: Final = (CannotGoOn, SecretMissing, BusNotDurable, XmppServerTrouble)
"""Exceptions whose message says what is wrong, with the mend."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `mend` says what is wrong and how to mend it; empty when it is right.

    `note` is for what is right and worth knowing.
    """

    what: str
    mend: str = ""
    note: str = ""

    def line(self) -> str:
        """For a terminal."""
        sign = "MEND" if self.mend else "note" if self.note else "ok  "
        words = self.mend or self.note
        return f"  {sign} {self.what}{f': {words}' if words else ''}"


def checked(what: str, check: Callable[[], object]) -> Finding:
    """Right, unless `check` cannot go on or misses a secret."""
    try:
        check()
    except _TROUBLE as trouble:
        return Finding(what, str(trouble))
    return Finding(what)


async def awaited(what: str, check: Callable[[], Awaitable[object]]) -> Finding:
    """The same for what has to be waited for."""
    try:
        await check()
    except _TROUBLE as trouble:
        return Finding(what, str(trouble))
    return Finding(what)
