"""Other servers at the door (SPEC 10): what does not come from our own server is judged here, before it costs anything.

A stranger gets one polite refusal, then silence; that it knocked is noted for the hub's admins. Who is shut out gets
nothing at all. Who is known gets as far as its switches say. What is decided by is read anew every few seconds; when it
cannot be read for long, nobody from elsewhere is let in.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4
from xml.etree.ElementTree import Element

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import domain
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from component.buckets import Buckets
from component.errors import error_reply
from component.features.acd import acd_error
from component.metrics import PEER_STANZAS
from component.stanza_xml import kind_of
from policy.ledger import Record
from policy.peers import LOCAL, Rights, home_of, own_domains, proof_of, rights_of
from registry.peers import Snapshot

READ_S: Final = 2.0
"""How often the list of peers is read."""
STALE_S: Final = 30.0
"""What was read longer ago is not decided by: nobody from elsewhere is let in."""
REFUSED: Final = 10_000
"""Domains that are remembered to have had their refusal."""
REFUSALS_PER_MINUTE: Final = 60
"""Of all strangers together: each opens a connection to a server that we know nothing of."""
KNOCKS: Final = 256
KNOCKED: Final = "peer.knocked"
STRANGER: Final = "stranger"

Read = Callable[[], Awaitable[Snapshot]]
"""What is known of other servers. Raises when the registry cannot be asked."""
Note = Callable[[str, datetime], Awaitable[bool]]
"""Notes a domain that knocked; whether that is news."""
Append = Callable[[Sequence[Record]], Awaitable[None]]
Send = Callable[[Element], bool]
Changed = Callable[[Callable[[str], bool]], None]
"""Told, as a test of bare JIDs, about whom something may have changed."""


@dataclass(frozen=True, slots=True)
class Known:
    """The registry, as far as other servers are concerned."""

    read: Read
    note: Note
    append: Append


class PeerDoor:
    """Judges what comes from other servers. Start `follow` and `note` as tasks, once each."""

    def __init__(self, known: Known, send: Send, hub_domain: str, per_minute: int, clock: Clock, log: Log) -> None:
        """`per_minute`: messages that are taken of one peer, from all its people together; twice as many at once."""
        self._known = known
        self._send = send
        self._own = own_domains(hub_domain)
        self._clock = clock
        self._log = log
        self._snapshot: Snapshot | None = None
        self._read_at = float("-inf")
        self._refused: OrderedDict[str, None] = OrderedDict()
        self._messages = Buckets(per_minute, 2 * per_minute)
        self._refusals = Buckets(REFUSALS_PER_MINUTE, REFUSALS_PER_MINUTE)
        self._knocks: asyncio.Queue[str] = asyncio.Queue(KNOCKS)

    def is_ours(self, jid: str) -> bool:
        """Whether our own server answers for this address; it says nothing where it speaks for itself."""
        return not jid or domain(jid) in self._own

    def rights(self, jid: str) -> Rights:
        """What an address of another server may do now."""
        known = {} if self._snapshot is None or self._is_stale() else self._snapshot.peers
        return rights_of(jid, known)

    def proof(self, jid: str) -> str:
        """How the domain of an address was proven, for the record of what is decided about it."""
        if self.is_ours(jid):
            return LOCAL
        return str(proof_of(jid, {} if self._snapshot is None else self._snapshot.peers))

    def sees(self, jid: str) -> bool:
        """Whether an address, of whichever server, may see agents that are shared with it."""
        return self.is_ours(jid) or self.rights(jid).see

    def takes(self, stanza: Element) -> bool:
        """Whether a stanza ends here, because whoever sent it may not do this."""
        sender = stanza.get("from", "")
        if self.is_ours(sender):
            return False
        rights = self.rights(sender)
        if rights.shut_out:
            return self._ends(rights.by, str(rights.standing))
        if not rights.known:
            return self._unknown(stanza, sender)
        kind, name = stanza.get("type", ""), kind_of(stanza)
        if kind == "error" or (name == "iq" and kind == "result"):
            return self._goes_on(rights)
        if name == "message":
            return self._message(stanza, rights)
        return self._goes_on(rights) if rights.see else self._hidden(stanza, rights)

    async def follow(self, changed: Changed) -> None:
        """Reads the list again and again. For ever."""
        while True:
            try:
                await self._look(changed)
            except Exception as failed:  # noqa: BLE001 -- the store may be away; what is too old lets nobody in
                self._log.warning("peers_not_read", error=describe(failed))
            await asyncio.sleep(READ_S)

    async def note(self) -> None:
        """Puts down who knocked. For ever."""
        while True:
            where = await self._knocks.get()
            try:
                if await self._known.note(where, self._clock.now()):
                    await self._known.append([self._record(where)])
            except Exception as failed:  # noqa: BLE001 -- it may knock again when the store is back
                self._log.warning("knock_not_noted", error=describe(failed))
                self._refused.pop(where, None)

    async def _look(self, changed: Changed) -> None:
        before, self._snapshot = self._snapshot, await self._known.read()
        self._read_at = self._clock.monotonic()
        if before is None:
            return
        now = self._snapshot.peers
        names = {name for name in before.peers.keys() | now.keys() if before.peers.get(name) != now.get(name)}
        if names:
            self._log.info("peers_changed", peers=len(names))
            changed(lambda jid: not self.is_ours(jid))

    def _is_stale(self) -> bool:
        return self._clock.monotonic() - self._read_at > STALE_S

    def _unknown(self, stanza: Element, sender: str) -> bool:
        """One refusal for a domain, whoever of it asks. While the list cannot be read, silence: it may be known."""
        where = home_of(sender)
        if self._snapshot is None or self._is_stale():
            return self._ends(STRANGER, "not_decided")
        said = where in self._refused or where in self._snapshot.asked
        if said or not _asks(stanza) or not self._refusals.take("", self._clock.monotonic()):
            return self._ends(STRANGER, "silence")
        self._refused[where] = None
        if len(self._refused) > REFUSED:
            self._refused.popitem(last=False)
        if not self._knocks.full():
            self._knocks.put_nowait(where)
        self._send(error_reply(stanza, ErrorCode.PEER_UNKNOWN))
        return self._ends(STRANGER, "refused")

    def _message(self, stanza: Element, rights: Rights) -> bool:
        if not rights.invoke:
            if _asks(stanza):
                self._send(error_reply(stanza, ErrorCode.ACCESS_DENIED))
            return self._ends(rights.by, "refused")
        where = home_of(stanza.get("from", ""))
        if _asks(stanza) and not self._messages.take(where, self._clock.monotonic()):
            self._send(error_reply(stanza, ErrorCode.RATE_LIMITED))
            return self._ends(rights.by, "limited")
        return self._goes_on(rights)

    def _hidden(self, stanza: Element, rights: Rights) -> bool:
        """As if there were no agents here: requests get the answer that any server gives, presence none."""
        if kind_of(stanza) == "iq" and _asks(stanza):
            self._send(acd_error(stanza, "cancel", "service-unavailable"))
        return self._ends(rights.by, "refused")

    def _goes_on(self, rights: Rights) -> bool:
        PEER_STANZAS.labels(rights.by, "taken").inc()
        return False

    def _ends(self, peer: str, outcome: str) -> bool:
        PEER_STANZAS.labels(peer, outcome).inc()
        return True

    def _record(self, where: str) -> Record:
        details = {"action": str(Action.PEER_KNOCK), "peer": where}
        return Record(uuid4(), HUB_OWNER, KNOCKED, "info", details, self._clock.now(), where)


def _asks(stanza: Element) -> bool:
    """Whether an error may answer it (RFC 6120 section 8.3.1), and whoever sent it waits for an answer."""
    kind, name = stanza.get("type", ""), kind_of(stanza)
    if name == "iq":
        return kind in ("get", "set")
    if name == "presence":
        return kind == "subscribe"
    return name == "message" and kind in ("", "chat", "normal") and _says_something(stanza)


def _says_something(message: Element) -> bool:
    """A receipt, a marker or a typing state is no question."""
    return any(inner.tag.endswith(("}body", "}file-sharing", "}reactions")) for inner in message)
