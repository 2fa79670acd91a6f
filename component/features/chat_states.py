"""Chat state notifications (XEP-0085): "composing" while an agent works, ended by its answer or by "paused"."""

from __future__ import annotations

from typing import Final, Literal
from xml.etree.ElementTree import Element

from component.stanza_xml import HINTS, add, stanza

CHAT_STATES: Final = "http://jabber.org/protocol/chatstates"
State = Literal["active", "composing", "paused"]


def speaks_chat_states(message: Element) -> bool:
    """Whether the sender shows that it knows chat states; only then may we send them alone (section 5.1)."""
    return any(inner.tag.startswith(f"{{{CHAT_STATES}}}") for inner in message)


def add_state(message: Element, state: State) -> None:
    """Puts a state into a message that carries a body."""
    add(message, CHAT_STATES, state)


def state_message(sender: str, to: str, state: State) -> Element:
    """A state on its own; nobody archives it (XEP-0334)."""
    message = stanza("message", sender, to, "chat")
    add_state(message, state)
    add(message, HINTS, "no-store")
    return message
