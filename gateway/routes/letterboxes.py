"""How many letters one mail address may get, so that nobody's letterbox is filled by strangers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiox.commands.people import People
from aiox.runtime.mail import Letter
from gateway.access import Door
from gateway.routes.sign_in_limits import HOUR_S

LETTERS: Final = 5
"""An hour. What is beyond is not sent, and the answer to who asked is the same."""


def limited(door: Door) -> People:
    """The door's people, who send no more than that. Raises Stopped when nothing can be counted."""

    async def send(letter: Letter) -> None:
        if (await door.count("letter", letter.to, LETTERS, HOUR_S)).left >= 0:
            await door.people.send(letter)

    return replace(door.people, send=send)
