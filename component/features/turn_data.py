"""What a client may show beside an answer (docs/rfc-aiox.md, section 6): turn, version, times, tokens, sources."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import TurnData
from aiox.kernel.ids import TurnId
from component.stanza_xml import add

TURN: Final = "urn:aiox:turn:0"


def add_turn(message: Element, turn_id: TurnId, data: TurnData) -> None:
    """Puts the data of its turn into an answer. A version of 0 is left out: then the hub itself answered."""
    attributes = {
        "id": str(turn_id),
        "version": str(data.version) if data.version else "",
        "platform-ms": str(data.platform_ms),
        "worker-ms": str(data.worker_ms),
        "tokens": str(data.tokens),
    }
    turn = add(message, TURN, "turn", **{key: value for key, value in attributes.items() if value})
    for one in data.sources:
        section = {"section": one.section} if one.section else {}
        add(turn, TURN, "source", title=one.title, **section)
