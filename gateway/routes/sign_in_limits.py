"""How often one may try to sign in, so that guessing is hopeless and nobody can lock somebody else out.

The budget that stops a guesser is one of an account and a network address together. All addresses share a slower budget
per account; once that is used up, addresses from which the account was signed in lately go on as before, others wait.
"""

from __future__ import annotations

from typing import Final

from fastapi import Request

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from gateway.access import Door
from gateway.errors import Stopped
from registry import accounts, sessions
from registry.rates import WINDOW_S

PER_ADDRESS: Final = 120
"""Attempts a minute from one network address."""
PER_ACCOUNT_AND_ADDRESS: Final = 10
"""Attempts a minute for one account from one network address."""
PER_ACCOUNT: Final = 100
"""Attempts an hour for one account from addresses it was not signed in from within 30 days."""
HOUR_S: Final = 3600
AGAIN: Final = 10
"""A minute, in which one account may give its password or a code again, whatever for."""
AGAIN_HOUR: Final = 60
"""An hour, of the same: whoever has come into a session does not find the password by trying."""


def address_of(request: Request) -> str:
    """The network address that asks, as the nearest trusted proxy tells it; empty when there is none."""
    return request.client.host if request.client else ""


async def admit(door: Door, action: Action, email: str, address: str) -> None:
    """Counts one attempt. Raises Stopped with RATE_LIMITED. The same for addresses that have no account."""
    await door.limit(action, f"address {address}", PER_ADDRESS)
    await door.limit(action, f"account {email} address {address}", PER_ACCOUNT_AND_ADDRESS)
    rate = await door.count(f"{action}.hour", f"account {email}", PER_ACCOUNT, HOUR_S)
    if rate.left < 0 and not await _is_known(door, email, address):
        raise Stopped(ErrorCode.RATE_LIMITED, f"{PER_ACCOUNT} an hour from new addresses", rate.resets_in_s)


async def admit_again(door: Door, owner: OwnerId) -> None:
    """Counts one more password or code of somebody who is signed in. Raises Stopped with RATE_LIMITED."""
    for name, limit, window_s in (("again", AGAIN, WINDOW_S), ("again.hour", AGAIN_HOUR, HOUR_S)):
        rate = await door.count(name, f"account {owner}", limit, window_s)
        if rate.left < 0:
            raise Stopped(ErrorCode.RATE_LIMITED, f"{limit} tries in {window_s // 60} min", rate.resets_in_s)


async def _is_known(door: Door, email: str, address: str) -> bool:
    login = await accounts.find_login(door.hub.pool, email)
    owner = login.owner if login is not None else HUB_OWNER
    return await sessions.knows_address(door.hub.pool, owner, address, door.hub.clock.now())
