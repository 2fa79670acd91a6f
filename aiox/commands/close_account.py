"""Deactivating an account and letting it in again: signed out everywhere, on XMPP too, and nobody gets in meanwhile."""

from __future__ import annotations

from aiox.commands import end_sessions
from aiox.commands.hub import Actor, Hub
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.commands.second_factor import WithPassword, password_refused
from aiox.kernel.actions import Action
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from registry import accounts
from registry.sessions import Ending


async def deactivate(hub: Hub, actor: Actor, fields: WithPassword, people: People) -> Refused | None:
    """Closes the actor's own account; the operator can open it again. PASSWORD_WRONG. Raises XmppServerTrouble."""
    no = await refused(hub, actor, Action.ACCOUNT_DEACTIVATE, actor.owner)
    no = no or await password_refused(hub, actor, fields.password, people)
    if no is None:
        await close(hub, actor, actor.owner, actor.jid, people)
    return no


async def close(hub: Hub, actor: Actor, owner: OwnerId, jid: BareJid, people: People) -> None:
    """Past the gate. Breaking off anywhere leaves what the same call again completes. Raises XmppServerTrouble."""
    await end_sessions.end(hub, actor, people, Ending.DEACTIVATED, about=owner)
    await people.xmpp.shut_out(jid)
    await accounts.set_active(hub.pool, owner, active=False, now=hub.clock.now())
    await end_sessions.end(hub, actor, people, Ending.DEACTIVATED, about=owner)  # who came in meanwhile
    await happened(hub, actor, "account.deactivated", "warning", about=owner)


async def reopen(hub: Hub, actor: Actor, owner: OwnerId, jid: BareJid, people: People) -> None:
    """Past the gate. Raises XmppServerTrouble."""
    await accounts.set_active(hub.pool, owner, active=True, now=hub.clock.now())
    await people.xmpp.let_in(jid)
    await happened(hub, actor, "account.activated", about=owner)
