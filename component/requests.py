"""What this door asks others: an iq goes out; its answer is known by id and address, or does not come in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from component.stanza_xml import kind_of

MOST: Final = 256
"""Requests under way at a time."""


class NotAnswered(Exception):
    """There is no link, too many wait already, or no answer came in time. The message says which."""


class Requests:
    """`address` says from where to ask, so that the answer comes in by this very door."""

    def __init__(self, send: Callable[[Element], bool], address: Callable[[], str], draw: Callable[[], UUID]) -> None:
        self._send = send
        self._address = address
        self._draw = draw
        self._open: dict[tuple[str, str], asyncio.Future[Element]] = {}

    def takes(self, element: Element) -> bool:
        """Takes the answer to one of our requests; False for all others."""
        if kind_of(element) != "iq" or element.get("type") not in ("result", "error"):
            return False
        waiting = self._open.get((element.get("from", ""), element.get("id", "")))
        if waiting is None:
            return False
        if not waiting.done():
            waiting.set_result(element)
        return True

    async def ask(self, make: Callable[[str, str], Element], seconds: float) -> Element:
        """Sends what `make` makes of our address and a new id; returns the answer, which may be an error.

        Raises NotAnswered.
        """
        query = make(self._address(), str(self._draw()))
        key = query.get("to", ""), query.get("id", "")
        if len(self._open) >= MOST:
            raise NotAnswered("too many requests are under way")
        answer: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        self._open[key] = answer
        try:
            if not self._send(query):
                raise NotAnswered("there is no link")
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise NotAnswered(f"no answer within {seconds:g} s") from None
        finally:
            del self._open[key]
