"""Signing in, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from gateway.schemas.common import Out


class Session(Out):
    """An access token, valid for `expires_in` seconds, and the refresh token for the next one.

    `refresh_token` is empty when it is kept in a cookie. Each is good once; one that comes twice ends the session.
    """

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of the scheme
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    session_id: UUID
    jid: str
    user_id: UUID


class SessionInList(Out):
    """A sign-in that is good. `client` and `address` say from where; `current` is the one that asks."""

    id: UUID
    client: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class SessionList(Out):
    """All of them, the last used first."""

    items: list[SessionInList]


class XmppToken(Out):
    """A password for one login over XMPP (SASL X-OAUTH2), valid for `expires_in` seconds."""

    token: str
    jid: str
    expires_in: int
