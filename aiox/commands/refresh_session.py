"""Exchanges a refresh token for a new one. A token that comes twice ends its session (RFC 9700 section 4.14.2)."""

from __future__ import annotations

from typing import Final

from pydantic import SecretStr

from aiox.commands.create_session import SignedIn
from aiox.commands.end_sessions import end_on_xmpp
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime import opaque
from registry import sessions
from registry.sessions import Reused

ACTION: Final = Action.SESSION_REFRESH
NOT_GOOD: Final = Refused(ErrorCode.INVALID_TOKEN, SENTENCES[ErrorCode.INVALID_TOKEN], ("S2 refresh",))


class RefreshSession(Fields):
    """The refresh token; empty when it comes in the cookie."""

    refresh_token: SecretStr = SecretStr("")


async def run(hub: Hub, actor: Actor, fields: RefreshSession, people: People) -> SignedIn | Refused:
    """A new token for the same session. INVALID_TOKEN for one that is unknown, used, too old or ended, all alike."""
    no = await refused(hub, actor, ACTION, None)
    if no is not None:
        return no
    shown = opaque.read(fields.refresh_token.get_secret_value())
    if shown is None:
        return NOT_GOOD
    owner, now = OwnerId(shown.owner), hub.clock.now()
    fresh = opaque.new(owner)
    result = await sessions.rotate(hub.pool, owner, shown.digest, fresh.digest, now, people.rules.session_idle)
    if result is None:
        return NOT_GOOD
    if isinstance(result, Reused):
        await happened(hub, actor, "session.reused", "warning", about=owner, session=str(result.session))
        await end_on_xmpp(hub, owner, people)
        return NOT_GOOD
    return SignedIn(owner, result.jid, result.session, fresh.text)
