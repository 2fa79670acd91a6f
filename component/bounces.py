"""Answers that the recipient's server sends back: who has blocked the agent (XEP-0191), or is no more, is left alone.

One that comes back twice is not sent again. Once may be a server that is going down or coming up: it says the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import bare
from component.stanza_xml import COMPONENT, child, kind_of

ENOUGH: Final = 2
REMEMBERED: Final = 4096
"""Stanzas that came back and are remembered; beyond that the oldest are forgotten, and sent as if they never had."""


class Bounces:
    """What came back, by the stanza's id and the bare address it went to."""

    def __init__(self) -> None:
        self._back: OrderedDict[tuple[str, str], int] = OrderedDict()

    def heard(self, stanza: Element) -> bool:
        """Notes a message that came back for good, and takes no stanza: others are to see it, too."""
        if kind_of(stanza) != "message" or stanza.get("type") != "error" or not stanza.get("id"):
            return False
        error = child(stanza, COMPONENT, "error")
        if error is None or error.get("type") != "cancel":
            return False  # "wait" and the like: it may go through another time
        came = (bare(stanza.get("from", "")), stanza.get("id", ""))
        self._back[came] = self._back.pop(came, 0) + 1
        if len(self._back) > REMEMBERED:
            self._back.popitem(last=False)
        return False

    def refused(self, to: str, stanza_ids: Sequence[str]) -> bool:
        """Whether one of these, sent to that address, came back often enough."""
        return any(self._back.get((bare(to), one), 0) >= ENOUGH for one in stanza_ids)
