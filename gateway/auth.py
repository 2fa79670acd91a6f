"""Access tokens of the API: HS256, 15 minutes, read strictly (SPEC 5)."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from aiox.kernel.ids import OwnerId
from aiox.runtime.tokens import TokenRefused, open_token, seal_token

LIFETIME_S: Final = 15 * 60
_ISSUER: Final = "aiox-hub"
_AUDIENCE: Final = "aiox-api"
_TYPE: Final = "aiox-access+jwt"
_CLAIMS: Final = frozenset({"iss", "aud", "sub", "sid", "jti", "iat", "exp"})
_SKEW_S: Final = 5
REMEMBERED: Final = 4096
"""Good tokens whose signature is not checked again."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a valid token says: an account, and the session it was made for. Whether that lives is asked elsewhere."""

    owner: OwnerId
    session: UUID


@dataclass(frozen=True, slots=True)
class _Known:
    access: Access
    issued: int
    expires: int


class AccessTokens:
    """Makes and reads access tokens under one key of 32 bytes or more. Raises ValueError for a shorter one."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the access token key is shorter than 32 bytes")
        self._key = key
        self._known: OrderedDict[bytes, _Known] = OrderedDict()

    def derived(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for another purpose, from which this one cannot be found."""
        return hmac.new(self._key, purpose, hashlib.sha256).digest()

    def mint(self, access: Access, token_id: str, now: int) -> str:
        """A token for 15 minutes from `now`, in seconds since the epoch."""
        claims: dict[str, str | int] = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(access.owner),
            "sid": str(access.session),
            "jti": token_id,
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        return seal_token(claims, self._key, _TYPE)

    def read(self, token: str, now: int) -> Access:
        """Whom a valid token speaks for. Raises TokenRefused.

        A token that was good is known again by its digest, and only its times are judged anew: a client sends the same
        one for 15 minutes.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None:
            _check_times(known.issued, known.expires, now)
            return known.access
        claims = open_token(token, self._key, _TYPE)
        if set(claims) != _CLAIMS or claims["iss"] != _ISSUER or claims["aud"] != _AUDIENCE:
            raise TokenRefused("wrong claims")
        _check_times(claims["iat"], claims["exp"], now)
        if type(claims["jti"]) is not str or not claims["jti"]:
            raise TokenRefused("wrong claims")
        access = Access(OwnerId(_uuid(claims["sub"])), _uuid(claims["sid"]))
        self._known[digest] = _Known(access, claims["iat"], claims["exp"])
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return access


def _uuid(claim: Any) -> UUID:
    """An id in its one spelling."""
    try:
        found = UUID(claim)
    except (ValueError, AttributeError, TypeError):
        raise TokenRefused("wrong claims") from None
    if str(found) != claim:
        raise TokenRefused("wrong claims")
    return found


def _check_times(issued: Any, expires: Any, now: int) -> None:
    if type(issued) is not int or type(expires) is not int:
        raise TokenRefused("wrong claims")
    if not issued - _SKEW_S <= now < expires or expires - issued > LIFETIME_S:
        raise TokenRefused("expired")
