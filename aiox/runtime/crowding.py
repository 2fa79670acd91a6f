"""Whether the hub has room for one more message, as far as a door knows. Times are seconds that never go back."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar

from aiox.kernel.envelope import Pressure
from aiox.kernel.jid import domain
from policy.pressure import Load, lets_in, lets_in_foreign, limit_of

HEARD_S: Final = 3.0
"""What an orchestrator said so long ago counts no more."""
UNKNOWN: Final = 1.0
"""The priority of a conversation that has had no answer yet: it may be one of high priority."""
REMEMBERED: Final = 50_000
"""Conversations whose priority and refusals are kept in mind; the one used longest ago is forgotten."""

Conversation = tuple[str, str]
"""Bare JID of the person, bare JID of the agent."""
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Heard:
    load: Load
    at: float


class Crowding:
    """Adds up what the orchestrators say, and what went in here since."""

    def __init__(self, domain: str = "") -> None:
        """`domain` is the hub's: who has another one is somebody else's. Empty where only its own people come in."""
        self._domain = domain
        self._heard: dict[str, _Heard] = {}
        self._since = 0.0
        self._priority: OrderedDict[Conversation, float] = OrderedDict()
        self._refused: OrderedDict[Conversation, int] = OrderedDict()

    def heard(self, said: Pressure, now: float) -> None:
        """Takes the newest word of an orchestrator. It knows by then what went in before."""
        self._heard[said.orchestrator] = _Heard(Load(said.waiting, said.places, said.per_second), now)
        self._since = 0.0

    def answered(self, person: str, agent: str, priority: float) -> None:
        """An answer of this agent goes to this person: only they may know that it is a busy one."""
        _keep(self._priority, (person, agent), priority)

    def lets_in(self, person: str, agent: str, now: float) -> bool:
        """Whether a message may go in now; if so, it counts."""
        self._heard = {name: heard for name, heard in self._heard.items() if now - heard.at < HEARD_S}
        conversation = person, agent
        refused = self._refused.get(conversation, 0)
        waiting, limit = self._waiting(now), limit_of([heard.load for heard in self._heard.values()])
        if conversation not in self._priority and self._is_foreign(person):
            is_in = lets_in_foreign(waiting, limit)
        else:
            is_in = lets_in(waiting, limit, self._priority.get(conversation, UNKNOWN), refused)
        if not is_in:
            _keep(self._refused, conversation, refused + 1)
            return False
        self._refused.pop(conversation, None)
        self._since += 1
        return True

    def _is_foreign(self, person: str) -> bool:
        """Rooms are on a domain below the hub's."""
        return bool(self._domain) and not f".{domain(person)}".endswith(f".{self._domain}")

    def _waiting(self, now: float) -> float:
        """By now: what they said, less what they have ended since, and what went in here since."""
        said = sum(heard.load.waiting for heard in self._heard.values())
        ended = sum((now - heard.at) * heard.load.per_second for heard in self._heard.values())
        return max(0.0, said - ended) + self._since


def _keep(kept: OrderedDict[Conversation, Value], conversation: Conversation, value: Value) -> None:
    kept[conversation] = value
    kept.move_to_end(conversation)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
