"""Chat state notifications (XEP-0085): "composing" while an agent works, ended by its answer or by "paused"."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Literal
from xml.etree.ElementTree import Element

from aiox.kernel.ids import TurnId
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


class Composing:
    """Which turns show "composing" right now. Bounded: the oldest are forgotten, clients time them out themselves."""

    def __init__(self, limit: int = 10_000) -> None:
        self._turns: OrderedDict[TurnId, None] = OrderedDict()
        self._limit = limit

    def started(self, turn_id: TurnId) -> None:
        """The correspondent was shown "composing"."""
        self._turns[turn_id] = None
        if len(self._turns) > self._limit:
            self._turns.popitem(last=False)

    def ended(self, turn_id: TurnId) -> bool:
        """Whether "composing" was shown and not ended before; it is now."""
        return self._turns.pop(turn_id, self) is None
