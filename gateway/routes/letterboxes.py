"""How many letters one mail address may get, and one person may have sent: nobody's letterbox is filled by strangers,
and the hub is no way to write to everybody.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiox.commands.people import People
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.runtime.mail import Letter
from gateway.access import Door
from gateway.errors import Stopped
from gateway.routes.sign_in_limits import HOUR_S

LETTERS: Final = 5
"""An hour. What is beyond is not sent, and the answer to who asked is the same."""
INVITATIONS: Final = 50
"""An hour, that one account may have sent."""
SIGN_UPS: Final = 60
"""An hour, from one network address: each may send a letter to somebody who never asked for it."""


async def admit_invitation(door: Door, owner: OwnerId) -> None:
    """Counts one letter that this account has sent. Raises Stopped with RATE_LIMITED."""
    await _admit(door, "invitation.hour", f"account {owner}", INVITATIONS)


async def admit_sign_up(door: Door, address: str) -> None:
    """Counts one asking for an account from this network address. Raises Stopped with RATE_LIMITED."""
    await _admit(door, "account.sign_up.hour", f"address {address}", SIGN_UPS)


async def _admit(door: Door, name: str, who: str, limit: int) -> None:
    rate = await door.count(name, who, limit, HOUR_S)
    if rate.left < 0:
        raise Stopped(ErrorCode.RATE_LIMITED, f"{limit} an hour", rate.resets_in_s)


def limited(door: Door) -> People:
    """The door's people, who send no more than that. Raises Stopped when nothing can be counted."""

    async def send(letter: Letter) -> None:
        if (await door.count("letter", letter.to, LETTERS, HOUR_S)).left >= 0:
            await door.people.send(letter)

    return replace(door.people, send=send)
