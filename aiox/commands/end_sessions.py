"""The sessions of an account: listing them, ending one or all, signing out. What ended is seen at the next request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import KeyRing
from registry import accounts, sessions, tenants
from registry.sessions import Ending, SessionRow

NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("S3 session",))


class WhichSession(Fields):
    """One session."""

    session_id: UUID


async def list_mine(hub: Hub, actor: Actor, people: People) -> Sequence[SessionRow] | Refused:
    """The actor's sessions that are good, the last used first."""
    no = await refused(hub, actor, Action.SESSION_LIST, actor.owner)
    if no is not None:
        return no
    return await sessions.list_live(hub.pool, actor.owner, hub.clock.now(), people.rules.session_idle)


async def end_one(hub: Hub, actor: Actor, fields: WhichSession, people: People) -> Refused | None:
    """Ends one of the actor's sessions. NOT_FOUND for unknown, foreign and ended ones alike."""
    no = await refused(hub, actor, Action.SESSION_END, actor.owner)
    if no is not None:
        return no
    ended = await end(hub, actor, people, Ending.REVOKED, only=fields.session_id)
    return None if ended else NOT_HERE


async def end_all(hub: Hub, actor: Actor, people: People) -> Refused | None:
    """Ends all of the actor's sessions, the one that asks too."""
    no = await refused(hub, actor, Action.SESSION_END_ALL, actor.owner)
    if no is not None:
        return no
    await end(hub, actor, people, Ending.REVOKED)
    return None


async def sign_out(hub: Hub, actor: Actor, people: People) -> Refused | None:
    """Ends the session that asks."""
    no = await refused(hub, actor, Action.SESSION_SIGN_OUT, actor.owner)
    if no is not None:
        return no
    if actor.session is not None:
        await end(hub, actor, people, Ending.SIGNED_OUT, only=actor.session)
    return None


async def end(
    hub: Hub,
    actor: Actor,
    people: People,
    why: Ending,
    *,
    about: OwnerId | None = None,
    only: UUID | None = None,
    but: UUID | None = None,
) -> Sequence[UUID]:
    """Ends sessions, here and on the XMPP server, with a row for each; past the gate, for commands that passed it.

    `about` is the account, when it is not the actor's own. Raises XmppServerTrouble once the sessions have ended here.
    """
    owner = about or actor.owner
    ended = await sessions.end(hub.pool, owner, why, hub.clock.now(), only=only, but=but)
    for session in ended:
        await happened(hub, actor, "session.ended", about=owner, session=str(session), reason=str(why))
    await end_on_xmpp(hub, owner, people)
    return ended


async def end_on_xmpp(hub: Hub, owner: OwnerId, people: People) -> None:
    """Makes the XMPP tokens of ended sessions worthless and ends what they opened.

    All connections of the account end, as the server does not say which token opened which: a client that knows the
    password comes back by itself. What was not done because the server was away is done at the next sign-in or
    sign-out.
    """
    tokens = await sessions.take_xmpp_tokens(hub.pool, owner)
    account = await accounts.load(hub.pool, owner) if tokens else None
    if account is None:
        return
    ring: KeyRing = await tenants.load_ring(hub.pool, hub.keys, owner)
    for session, sealed in tokens:
        token = ring.open(sealed, sessions.token_place(owner, session)).decode()
        await people.xmpp.revoke_token(token)
    await people.xmpp.end_sessions(account.jid)
    for session, _ in tokens:
        await sessions.forget_xmpp_token(hub.pool, owner, session)
