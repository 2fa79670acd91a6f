"""Accounts as the operator and a hub_admin see them: list, look, roles, passwords, factors, closing, sessions.

They see addresses and states, never a text of any owner. What would let them in as somebody else, a password or a
second factor, and roles are the operator's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands import account_password, close_account, end_sessions, gate, second_factor
from aiox.commands.create_account import Email
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import NewPassword
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refusal_of
from aiox.commands.second_factor import Begun
from aiox.kernel.account import HubRole
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from policy.access import Relation
from registry import accounts, sessions
from registry.accounts import AccountRow
from registry.sessions import Ending, SessionRow

MOST: Final = 1000
NOBODY_THERE: Final = Refused(ErrorCode.NOT_FOUND, "No account has this e-mail address.", ("U0 unknown",))


class WhichUser(Fields):
    """An account by its e-mail address."""

    email: Email


class PutRole(WhichUser):
    """A role on the hub itself; None takes it away."""

    role: HubRole | None


class PutPassword(WhichUser):
    """A password that its person does not choose."""

    password: NewPassword


class Code(WhichUser):
    """A code of the person's authenticator."""

    code: str


def relation_to_hub(actor: Actor) -> Relation:
    """What an actor is to the hub itself: its operator, its admin, its auditor, or nobody."""
    if actor.owner == HUB_OWNER and actor.jid:
        return Relation.OWNER
    return Relation(str(actor.hub_role)) if actor.hub_role is not None else Relation.NONE


async def list_all(hub: Hub, actor: Actor) -> Sequence[AccountRow] | Refused:
    """All accounts, oldest first, at most MOST."""
    no = await _refused(hub, actor, Action.USER_LIST)
    return no or await accounts.find_all(hub.pool, limit=MOST)


async def show(hub: Hub, actor: Actor, fields: WhichUser) -> AccountRow | Refused:
    """One account. NOT_FOUND."""
    return await _find(hub, actor, Action.USER_READ, fields)


async def put_role(hub: Hub, actor: Actor, fields: PutRole) -> AccountRow | Refused:
    """Gives or takes a role on the hub. It holds from the account's next request on. NOT_FOUND."""
    user = await _find(hub, actor, Action.USER_ROLE, fields)
    if isinstance(user, Refused):
        return user
    await accounts.set_hub_role(hub.pool, user.owner, fields.role)
    await happened(hub, actor, "account.role", "warning", about=user.owner, before=user.hub_role and str(user.hub_role),
                   role=fields.role and str(fields.role))  # fmt: skip
    return user


async def put_password(hub: Hub, actor: Actor, fields: PutPassword, people: People) -> AccountRow | Refused:
    """Sets a password and signs the account out everywhere. NOT_FOUND. Raises XmppServerTrouble."""
    user = await _find(hub, actor, Action.USER_PASSWORD, fields)
    if isinstance(user, Refused):
        return user
    await account_password.put(hub, actor, user.owner, user.jid, fields.password, people)
    await end_sessions.end(hub, actor, people, Ending.PASSWORD, about=user.owner)
    return user


async def begin_second_factor(hub: Hub, actor: Actor, fields: WhichUser) -> Begun | Refused:
    """A secret for the person's authenticator. NOT_FOUND, CONFLICT when there is a factor."""
    user = await _find(hub, actor, Action.USER_SECOND_FACTOR, fields)
    return user if isinstance(user, Refused) else await second_factor.new_secret(hub, user.owner)


async def confirm_second_factor(hub: Hub, actor: Actor, fields: Code) -> Sequence[str] | Refused:
    """Turns it on; the recovery codes. NOT_FOUND, SECOND_FACTOR_REQUIRED for a wrong code."""
    user = await _find(hub, actor, Action.USER_SECOND_FACTOR, fields)
    return user if isinstance(user, Refused) else await second_factor.turn_on(hub, actor, user.owner, fields.code)


async def remove_second_factor(hub: Hub, actor: Actor, fields: WhichUser) -> AccountRow | Refused:
    """For somebody who lost authenticator and codes. NOT_FOUND."""
    user = await _find(hub, actor, Action.USER_SECOND_FACTOR, fields)
    if not isinstance(user, Refused):
        await second_factor.turn_off(hub, actor, user.owner)
    return user


async def deactivate(hub: Hub, actor: Actor, fields: WhichUser, people: People) -> AccountRow | Refused:
    """Signs an account out everywhere and lets nobody in. Again completes what broke off. Raises XmppServerTrouble."""
    user = await _find(hub, actor, Action.USER_DEACTIVATE, fields)
    if not isinstance(user, Refused):
        await close_account.close(hub, actor, user.owner, user.jid, people)
    return user


async def activate(hub: Hub, actor: Actor, fields: WhichUser, people: People) -> AccountRow | Refused:
    """Lets the account in again. NOT_FOUND. Raises XmppServerTrouble."""
    user = await _find(hub, actor, Action.USER_ACTIVATE, fields)
    if not isinstance(user, Refused):
        await close_account.reopen(hub, actor, user.owner, user.jid, people)
    return user


async def list_sessions(hub: Hub, actor: Actor, fields: WhichUser, people: People) -> Sequence[SessionRow] | Refused:
    """Where the account is signed in. NOT_FOUND."""
    user = await _find(hub, actor, Action.USER_SESSIONS, fields)
    if isinstance(user, Refused):
        return user
    return await sessions.list_live(hub.pool, user.owner, hub.clock.now(), people.rules.session_idle)


async def end_all_sessions(hub: Hub, actor: Actor, fields: WhichUser, people: People) -> int | Refused:
    """Signs the account out everywhere; how many sessions ended. NOT_FOUND."""
    user = await _find(hub, actor, Action.USER_SESSIONS, fields)
    if isinstance(user, Refused):
        return user
    return len(await end_sessions.end(hub, actor, people, Ending.REVOKED, about=user.owner))


async def _find(hub: Hub, actor: Actor, action: Action, fields: WhichUser) -> AccountRow | Refused:
    no = await _refused(hub, actor, action)
    if no is not None:
        return no
    found = await accounts.find_all(hub.pool, fields.email, limit=1)
    return found[0] if found else NOBODY_THERE


async def _refused(hub: Hub, actor: Actor, action: Action) -> Refused | None:
    return refusal_of(await gate.authorise_related(hub, actor, action, relation_to_hub(actor), HUB_OWNER))
