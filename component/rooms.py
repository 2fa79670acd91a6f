"""Rooms that agents are in: joined, looked after, rejoined; what is said to an agent there becomes its question.

Which rooms stands in the registry, so a restart loses none. What is said to others is not kept, unless the agent's
owner wants it read. Nobody here answers an agent, itself least of all.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4
from xml.etree.ElementTree import Element

from slixmpp.jid import JID, InvalidJID

from aiox.kernel.envelope import INVITED, MessageReceived
from aiox.kernel.ids import HUB_OWNER, OwnerId, TurnId, agent_id_of, turn_id_of
from aiox.kernel.jid import BareJid, bare, domain, local_part
from aiox.kernel.units import MAX_BODY_BYTES
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from component.features import muc
from component.features.disco import AGENT_VER
from component.features.files import attachments_of, text_beside
from component.features.muc import Invitation
from component.features.presence import RESOURCE
from component.loop_guard import hops_of
from component.stanza_xml import kind_of
from component.stanzas_in import MAX_ID_CHARACTERS, Question, body_of, id_of
from policy.ledger import Record
from registry.rooms import Place, RoomState

TEND_S: Final = 2.0
JOIN_AGAIN_S: Final = (5.0, 15.0, 60.0, 300.0)
PING_S: Final = 300.0
"""A room that was silent for so long is asked whether the agent is still there."""
OCCUPANTS: Final = 500
ECHOES: Final = 10_000
LINES: Final = 20
LINE: Final = 300
"""Characters that are kept of what one said to others, where the owner wants it read."""
SENT_AWAY: Final = "room.sent_away"
_ENDS: Final = {"registration-required": "closed", "not-authorized": "closed", "forbidden": "banned", "gone": "closed"}

FindPlaces = Callable[[], Awaitable[Sequence[Place]]]
Ended = Callable[[Place, RoomState], Awaitable[OwnerId | None]]
Append = Callable[[Sequence[Record]], Awaitable[None]]
Key = tuple[str, str]


@dataclass(slots=True)
class _Here:
    """An agent in a room, or on its way there. Instants are seconds of a clock that never goes back."""

    place: Place
    nick: str
    joined: bool = False
    tries: int = 0
    try_at: float = 0.0
    heard_at: float = 0.0
    ping_id: str = ""
    bots: OrderedDict[str, bool] = field(default_factory=OrderedDict)
    """Occupants by nick: whether each is an agent."""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))

    @property
    def sender(self) -> str:
        """The agent's full address."""
        return f"{self.place.address}/{RESOURCE}"


@dataclass(frozen=True, slots=True)
class Known:
    """The registry, as far as rooms are concerned. Each raises when it cannot be asked."""

    places: FindPlaces
    ended: Ended
    append: Append


class Rooms:
    """The rooms of this process. Start `tend` as a task once."""

    def __init__(
        self,
        known: Known,
        send: Callable[[Element], bool],
        ask: Callable[[Question], None],
        agents_domain: str,
        clock: Clock,
        log: Log,
    ) -> None:
        """`ask` admits a question. `agents_domain` is agents.<domain>: only our own rooms are believed who invites."""
        self._known = known
        self._send = send
        self._ask = ask
        self._agents_domain = agents_domain
        self._own_rooms = f"conference.{agents_domain.removeprefix('agents.')}"
        self._clock = clock
        self._log = log
        self._here: dict[Key, _Here] = {}
        self._ends: list[tuple[Place, RoomState]] = []
        self._echoes: OrderedDict[str, None] = OrderedDict()
        self._hurry = asyncio.Event()

    async def tend(self) -> None:
        """Comes, goes, and looks whether it is still there. For ever."""
        while True:
            try:
                for place, state in self._taken_ends():
                    await self._end(place, state)
                self._follow(await self._known.places())
            except Exception as failed:  # noqa: BLE001 -- the store may be away; rooms stay as they are
                self._log.warning("rooms_not_read", error=describe(failed))
            self._look_after()
            with suppress(TimeoutError):
                async with asyncio.timeout(TEND_S):
                    await self._hurry.wait()
            self._hurry.clear()

    def takes(self, element: Element) -> bool:
        """Whether a stanza is of a room, or an invitation; then it is dealt with."""
        kind = kind_of(element)
        if kind == "message" and element.get("type") != "error" and (invited := muc.invitation_of(element)) is not None:
            self._invited(element, invited)
            return True
        here = self._here.get((bare(element.get("to", "")), bare(element.get("from", ""))))
        if kind == "message":
            # Whoever writes in private from a room (section 7.5) is not known by name, and has no conversation.
            return self._message(here, element) if here is not None else element.get("type") == "groupchat"
        if here is not None and kind == "presence":
            self._presence(here, element)
            return True
        if here is not None and kind == "iq" and here.ping_id and element.get("id") == here.ping_id:
            self._pinged(here, element)
            return True
        return False

    def was_said(self, message_id: str) -> bool:
        """Whether a room has repeated what an agent said under this id."""
        return message_id in self._echoes

    def _has_said(self, message_id: str) -> None:
        self._echoes[message_id] = None
        if len(self._echoes) > ECHOES:
            self._echoes.popitem(last=False)

    def _taken_ends(self) -> list[tuple[Place, RoomState]]:
        ends, self._ends = self._ends, []
        return ends

    async def _end(self, place: Place, state: RoomState) -> None:
        try:
            owner = await self._known.ended(place, state)
            if owner is not None:
                await self._known.append([self._record(place, state, owner)])
        except Exception:
            self._ends.append((place, state))
            raise

    def _record(self, place: Place, state: RoomState, owner: OwnerId) -> Record:
        details = {"agent_id": str(place.agent), "state": str(state)}
        return Record(uuid4(), owner or HUB_OWNER, SENT_AWAY, "warning", details, self._clock.now(), place.room)

    def _follow(self, places: Sequence[Place]) -> None:
        """What the registry says, is done."""
        wanted = {(str(one.address), str(one.room)): one for one in places}
        for key in [key for key in self._here if key not in wanted]:
            here = self._here.pop(key)
            self._send(muc.leave(here.sender, here.place.room, here.nick))
        for key, place in wanted.items():
            here = self._here.setdefault(key, _Here(place, place.nick))
            if not place.whole_context:
                here.lines.clear()
            here.place = place

    def _look_after(self) -> None:
        now = self._clock.monotonic()
        for here in self._here.values():
            if not here.joined and now >= here.try_at:
                here.try_at = now + JOIN_AGAIN_S[min(here.tries, len(JOIN_AGAIN_S) - 1)]
                here.tries += 1
                self._send(muc.join(here.sender, here.place.room, here.nick, AGENT_VER))
            elif here.joined and now - here.heard_at >= PING_S:
                here.heard_at, here.ping_id = now, f"self-ping-{uuid4()}"
                self._send(muc.self_ping(here.sender, here.place.room, here.nick, here.ping_id))

    def _pinged(self, here: _Here, answer: Element) -> None:
        here.ping_id = ""
        if muc.is_there(answer) is False:
            here.joined, here.tries, here.try_at = False, 0, 0.0

    def _presence(self, here: _Here, presence: Element) -> None:
        nick, kind, codes = _resource(presence), presence.get("type", ""), muc.codes_of(presence)
        here.heard_at = self._clock.monotonic()
        if kind == "error":
            self._not_let_in(here, muc.condition_of(presence))
        elif kind == "unavailable":
            here.bots.pop(nick, None)
            if muc.SELF in codes or nick == here.nick:
                self._gone(here, codes)
        elif kind == "":
            if muc.SELF in codes:
                here.nick, here.joined, here.tries = nick, True, 0
            here.bots[nick] = muc.is_one_of_ours(presence, self._agents_domain)
            if len(here.bots) > OCCUPANTS:
                here.bots.popitem(last=False)

    def _not_let_in(self, here: _Here, condition: str) -> None:
        here.joined = False
        if condition == "conflict":  # the nick is another's
            here.nick, here.try_at = f"{here.place.nick} {1 + here.tries}", 0.0
        elif condition in _ENDS:
            self._sent_away(here, RoomState(_ENDS[condition]))

    def _gone(self, here: _Here, codes: frozenset[str]) -> None:
        if muc.NEW_NICK in codes:
            return
        here.joined, here.try_at = False, self._clock.monotonic() + JOIN_AGAIN_S[0]
        if muc.BANNED in codes:
            self._sent_away(here, RoomState.BANNED)
        elif muc.KICKED in codes:
            self._sent_away(here, RoomState.KICKED)

    def _sent_away(self, here: _Here, state: RoomState) -> None:
        """Put down at once: who invites it again means it."""
        self._ends.append((here.place, state))
        self._hurry.set()

    def _message(self, here: _Here, message: Element) -> bool:
        here.heard_at = self._clock.monotonic()
        if message.get("type") == "error":
            here.joined = here.joined and muc.condition_of(message) != "not-acceptable"
        elif message.get("type") == "groupchat":
            self._said(here, message)
        return True

    def _said(self, here: _Here, message: Element) -> None:
        speaker, body = _resource(message), body_of(message)
        if speaker.casefold() == here.nick.casefold():
            self._has_said(message.get("id", ""))
            return
        if not speaker or muc.is_old(message) or here.bots.get(speaker) or hops_of(message) is not None:
            return
        files, place = attachments_of(message), here.place
        words = muc.said_to(message, text_beside(body, files), place.room, here.nick, place.address)
        if words is None:
            if place.whole_context and body.strip():
                here.lines.append(f"{speaker}: {' '.join(body.split())[:LINE]}")
            return
        text = words if words.startswith("/") else self._worded(here, speaker, words)
        message_id = muc.room_id_of(message, place.room) or id_of(message)
        if len(text.encode()) > MAX_BODY_BYTES or len(message_id) > MAX_ID_CHARACTERS:
            return
        here.lines.clear()
        turn_id = turn_id_of(place.room, place.address, message_id, body) if message_id else TurnId(uuid4())
        received = MessageReceived(
            sender_full=f"{place.room}/{speaker}",
            sender=BareJid(place.room),
            agent_jid=place.address,
            agent_id=place.agent,
            message_id=message_id,
            turn_id=turn_id,
            body=text,
            stanza_type="groupchat",
            thread="",
            attachments=files,
        )
        self._ask(Question(received, message, wants_receipt=False, wants_states=False))

    def _worded(self, here: _Here, speaker: str, words: str) -> str:
        """Who speaks stands before the words; what others said before, where the owner wants it read, before that."""
        said = f"{speaker}: {words}"
        return "\n".join(["Said in the room before:", *here.lines, "", said]) if here.lines else said

    def _invited(self, message: Element, invited: Invitation) -> None:
        """A room's word for who invites counts for our own rooms: a foreign one could name anybody."""
        try:
            agent, room = JID(message.get("to", "")), JID(invited.room)
            inviter = JID(invited.inviter)
        except InvalidJID:
            return
        if invited.mediated and domain(room.bare) != self._own_rooms:
            inviter = room
        if not (agent.local and room.local and room.domain and inviter.local) or domain(room.bare) == agent.domain:
            return
        message_id = id_of(message)[:MAX_ID_CHARACTERS] or str(uuid4())
        received = MessageReceived(
            sender_full=inviter.bare if invited.mediated else str(inviter),
            sender=BareJid(inviter.bare),
            agent_jid=BareJid(agent.bare),
            agent_id=agent_id_of(local_part(agent.bare)),
            message_id=message_id,
            turn_id=turn_id_of(inviter.bare, agent.bare, message_id, f"invited {room.bare}"),
            body="",
            stanza_type="chat",
            thread="",
            about=room.bare,
        )
        self._ask(Question(received, message, wants_receipt=False, wants_states=False, type=INVITED))


def _resource(element: Element) -> str:
    return element.get("from", "").partition("/")[2]
