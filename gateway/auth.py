"""Access tokens of the API: HS256, 15 minutes, read strictly (SPEC 5)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from aiox.commands.hub import Actor
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.tokens import TokenRefused, open_token, seal_token

LIFETIME_S: Final = 15 * 60
_ISSUER: Final = "aiox-hub"
_AUDIENCE: Final = "aiox-api"
_TYPE: Final = "aiox-access+jwt"
_CLAIMS: Final = frozenset({"iss", "aud", "sub", "jid", "jti", "iat", "exp"})
_SKEW_S: Final = 5


class AccessTokens:
    """Makes and reads access tokens under one key of 32 bytes or more. Raises ValueError for a shorter one."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the access token key is shorter than 32 bytes")
        self._key = key

    def mint(self, actor: Actor, token_id: str, now: int) -> str:
        """A token for 15 minutes from `now`, in seconds since the epoch."""
        claims: dict[str, str | int] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(actor.owner),
            "jid": actor.jid,
            "jti": token_id,
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        return seal_token(claims, self._key, _TYPE)

    def read(self, token: str, now: int) -> Actor:
        """Whom a valid token belongs to. Raises TokenRefused."""
        claims = open_token(token, self._key, _TYPE)
        if set(claims) != _CLAIMS or claims["iss"] != _ISSUER or claims["aud"] != _AUDIENCE:
            raise TokenRefused("wrong claims")
        _check_times(claims, now)
        jid, token_id = claims["jid"], claims["jti"]
        if type(jid) is not str or type(token_id) is not str or not jid or not token_id:
            raise TokenRefused("wrong claims")
        try:
            return Actor(OwnerId(UUID(claims["sub"])), BareJid(jid))
        except (ValueError, AttributeError, TypeError):
            raise TokenRefused("wrong claims") from None


def _check_times(claims: dict[str, Any], now: int) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise TokenRefused("wrong claims")
    if not issued - _SKEW_S <= now < expires or expires - issued > LIFETIME_S:
        raise TokenRefused("expired")
