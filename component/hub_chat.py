"""What is said to the hub's own address, and what it answers: commands only, so a client needs no form for them."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element

from component.features.chat_states import add_state
from component.stanza_xml import COMPONENT, HINTS, SID, add, stanza
from component.stanzas_in import body_of, id_of

_COMMAND: Final = re.compile(r"/([a-z]{1,32})(?:\s+(\S.*))?", re.DOTALL)
OTHERWISE: Final = "help"
"""What is done for a text that is no command."""


def written_command(message: Element) -> tuple[str, str, str, str]:
    """Name of the command, the words behind it, the whole text, and the message's id."""
    body = body_of(message)
    found = _COMMAND.fullmatch(body.strip())
    said = (OTHERWISE, "") if found is None else (found[1], (found[2] or "").strip())
    return (*said, body, id_of(message))


def hub_answer(message: Element, text: str, answer_id: str) -> Element:
    """The answer, stored like an agent's. Its id is the same at each attempt."""
    sender, kind = message.get("to", ""), message.get("type", "")
    reply = stanza("message", sender, message.get("from", "").partition("/")[0], kind, answer_id)
    add(reply, COMPONENT, "body", text)
    add(reply, SID, "origin-id", id=answer_id)
    add_state(reply, "active")
    add(reply, HINTS, "store")
    return reply
