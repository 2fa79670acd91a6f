"""How a new agent comes among its owner's contacts: put there where our own server lets us, else it asks to be taken.

Two ways of our own server are known. A server that says that we are privileged (XEP-0356) takes roster entries as
stanzas; ejabberd 24.12 cannot be let say it, and takes them on its command interface (ejabberd.yml.template).

A grant counts from our own server alone: whoever else says that we are privileged would have us write to rosters that
are none of ours, or trust answers that are none (XEP-0356, section 8).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID
from xml.etree.ElementTree import Element

from aiox.kernel.jid import BareJid, bare, domain
from aiox.runtime.logs import Log
from aiox.runtime.xmpp_server import XmppServerTrouble
from component.features.presence import NICK
from component.features.privilege import GROUP, may_write_rosters, roster_entry, tells_privileges
from component.link import Link
from component.stanza_xml import child, kind_of

WAITING: Final = 1_000
"""Entries whose answer is waited for; an older one that fails is not asked for."""

Put = Callable[[BareJid, BareJid, str, str], Awaitable[None]]
"""Puts a contact with a name and a group into an account's roster; again is a no-op. Raises XmppServerTrouble."""


class Rosters:
    """A link for the outbox, which turns its introductions into roster entries where we may write them."""

    def __init__(
        self,
        link: Link,
        server_domain: str,
        agents_domain: str,
        put: Put,
        added: Callable[[str, str], None],
        draw: Callable[[], UUID],
        log: Log,
    ) -> None:
        """`added` is told the address of an agent and the account that has it among its contacts now."""
        self._link = link
        self._server_domain = server_domain
        self._agents_domain = agents_domain
        self._put = put
        self._added = added
        self._draw = draw
        self._log = log
        self._may = False
        self._waiting: OrderedDict[str, Element] = OrderedDict()
        self._to_put: list[Element] = []

    @property
    def may(self) -> bool:
        """Whether our server has said that we may write rosters by stanzas."""
        return self._may

    @property
    def up(self) -> bool:
        """See Link."""
        return self._link.up

    @property
    def session(self) -> int:
        """See Link."""
        return self._link.session

    def send(self, element: Element) -> bool:
        """See Link. A request for a subscription to an account of our own server becomes an entry in its roster."""
        if not (_is_request(element) and domain(element.get("to", "")) == self._server_domain and self.up):
            return self._link.send(element)
        if self._may:
            return self._send_entry(element)
        self._to_put.append(element)
        return True

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        """See Link."""
        to_put, self._to_put = (self._to_put, []) if entries else ([], self._to_put)
        for request in to_put:
            await self._put_or_ask(request)
        return await self._link.confirm(timeout_s)

    def takes(self, stanza: Element) -> bool:
        """Takes what the server says of our privileges, and its answers to roster entries."""
        if kind_of(stanza) == "message" and tells_privileges(stanza):
            self._hear(stanza)
            return True
        kind = stanza.get("type", "")
        if kind_of(stanza) != "iq" or kind not in ("result", "error"):
            return False
        asked = self._waiting.get(stanza.get("id", ""))
        if asked is None or bare(stanza.get("from", "")) not in (bare(asked.get("to", "")), self._server_domain):
            return False
        del self._waiting[stanza.get("id", "")]
        if kind == "result":
            self._added(*_pair(asked))
        else:
            self._ask(asked, "the server refused the entry")
        return True

    async def _put_or_ask(self, request: Element) -> None:
        agent, owner = _pair(request)
        try:
            await self._put(BareJid(owner), BareJid(agent), _name(request), GROUP)
        except XmppServerTrouble as trouble:
            self._ask(request, str(trouble))
        else:
            self._added(agent, owner)

    def _send_entry(self, request: Element) -> bool:
        query_id = f"roster-{self._draw()}"
        agent, owner = _pair(request)
        if not self._link.send(roster_entry(self._agents_domain, owner, agent, _name(request), query_id)):
            return False
        self._waiting[query_id] = request
        if len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
        return True

    def _ask(self, request: Element, why: str) -> None:
        self._log.warning("agent_asks_to_be_a_contact", agent=bare(request.get("from", "")), why=why)
        self._link.send(request)

    def _hear(self, message: Element) -> None:
        """The server writes under its own name; users and other servers cannot (RFC 6120, 8.1.2.1)."""
        if (message.get("from"), message.get("to")) != (self._server_domain, self._agents_domain):
            self._log.warning("foreign_privileges_ignored", sender=message.get("from", ""))
            return
        self._may = may_write_rosters(message)
        self._log.info("privileges_told", rosters=self._may)


def _is_request(element: Element) -> bool:
    return kind_of(element) == "presence" and element.get("type") == "subscribe"


def _pair(request: Element) -> tuple[str, str]:
    return bare(request.get("from", "")), bare(request.get("to", ""))


def _name(request: Element) -> str:
    nick = child(request, NICK, "nick")
    return "" if nick is None else nick.text or ""
