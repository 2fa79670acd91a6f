"""A token for the web pages' own XMPP connection: for minutes, one per session, worthless when the session ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.commands.end_sessions import end_on_xmpp
from aiox.commands.hub import Actor, Hub
from aiox.commands.people import People
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.xmpp_server import TOKEN_S
from registry import sessions, tenants

ACTION: Final = Action.XMPP_TOKEN_CREATE
ENDED: Final = Refused(ErrorCode.INVALID_TOKEN, SENTENCES[ErrorCode.INVALID_TOKEN], ("S5 ended",))


@dataclass(frozen=True, slots=True)
class XmppTokenIssued:
    """The token, for SASL X-OAUTH2 as `jid`, for so many seconds."""

    token: str
    jid: BareJid
    expires_in_s: int


async def run(hub: Hub, actor: Actor, people: People) -> XmppTokenIssued | Refused:
    """A token for the actor's address; the one before it of this session is revoked. Raises XmppServerTrouble."""
    no = await refused(hub, actor, ACTION, actor.owner)
    if no is not None:
        return no
    if actor.session is None:
        return ENDED
    token = await people.xmpp.issue_token(actor.jid)
    ring = await tenants.load_ring(hub.pool, hub.keys, actor.owner)
    place = sessions.token_place(actor.owner, actor.session)
    before = await sessions.put_xmpp_token(hub.pool, actor.owner, actor.session, ring.seal(token.encode(), place))
    if before is not None:
        await people.xmpp.revoke_token(ring.open(before, place).decode())
    if await sessions.find_speaker(hub.pool, actor.owner, actor.session, hub.clock.now()) is None:
        await end_on_xmpp(hub, actor.owner, people)  # it ended while the token was made
        return ENDED
    return XmppTokenIssued(token, actor.jid, TOKEN_S)
