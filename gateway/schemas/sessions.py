"""Signing in, as JSON."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from gateway.schemas.common import Out


class Session(Out):
    """An access token, valid for `expires_in` seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of the scheme
    expires_in: int
    jid: str
    user_id: UUID
