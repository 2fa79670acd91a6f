"""Commands that are being filled in: what was asked and given so far, by session. In bounded memory; pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from aiox.kernel.command import FormField, Values

LIMIT: Final = 5_000
EACH: Final = 10
"""Sessions of one client."""
LASTS_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Session:
    """`asker` is the full address that began it, `address` the one it asks. The instant is of a clock that never goes
    back.
    """

    asker: str
    address: str
    name: str
    values: Values
    form: tuple[FormField, ...]
    since: float


class Sessions:
    """Each is for who began it, at the address where it was begun. The oldest is forgotten first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def put(self, session_id: str, session: Session) -> None:
        """Keeps what was given so far."""
        self._sessions.pop(session_id, None)
        own = [one for one, known in self._sessions.items() if known.asker == session.asker]
        for old in own[: max(0, len(own) - EACH + 1)]:
            del self._sessions[old]
        self._sessions[session_id] = session
        if len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)

    def take(self, session_id: str, asker: str, address: str, now: float) -> Session | None:
        """The session, which is over unless it is put again; None for one that is not there, not theirs or too old."""
        found = self._sessions.get(session_id)
        if found is None or (found.asker, found.address) != (asker, address):
            return None
        del self._sessions[session_id]
        return found if now - found.since < LASTS_S else None
