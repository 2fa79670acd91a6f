"""The strict token wrapper, and the internal JWT of the worker link: HS256, one key per worker, one token per request.

PyJWT accepts duplicate keys and string `exp`; this wrapper does not.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import jwt
from jwt.algorithms import HMACAlgorithm

_ISSUER = "aiox-hub"
_TYPE = "aiox-turn+jwt"
_CLAIMS = frozenset({"iss", "aud", "sub", "agent", "request", "jti", "iat", "exp"})
_HS256: Final = HMACAlgorithm(HMACAlgorithm.SHA256)
LIFETIME_S = 30


class TokenRefused(Exception):
    """The token does not open this door. The message names the defect and nothing else."""


@dataclass(frozen=True, slots=True)
class TurnClaims:
    """What a turn token says."""

    owner: UUID
    agent: UUID
    request: UUID
    token_id: str


def mint(key: bytes, worker_id: str, owner: UUID, agent: UUID, request: UUID, token_id: str, now: int) -> str:
    """A token for one message to one worker. `now` in seconds since the epoch; valid for 30 s."""
    claims: dict[str, str | int] = {
        "iss": _ISSUER,
        "aud": worker_id,
        "sub": str(owner),
        "agent": str(agent),
        "request": str(request),
        "jti": token_id,
        "iat": now,
        "exp": now + LIFETIME_S,
    }
    return seal_token(claims, key, _TYPE)


def seal_token(claims: Mapping[str, str | int], key: bytes, typ: str) -> str:
    """Signs claims with HS256. `typ` says what the token is for."""
    return jwt.encode(dict(claims), key, algorithm="HS256", headers={"typ": typ})


def open_token(token: str, key: bytes, typ: str) -> dict[str, Any]:
    """The claims of a token of this very type and signature, not yet judged. Raises TokenRefused."""
    if not token:
        raise TokenRefused("no token")
    if token.count(".") != 2 or len(token) > 2048:
        raise TokenRefused("not a token")
    first, second, signature = token.split(".")
    header, payload = _part(first), _part(second)
    if header != {"alg": "HS256", "typ": typ}:
        raise TokenRefused("wrong header")
    # What PyJWT's decode does beyond this, it does to what was read above a second time.
    if not _HS256.verify(f"{first}.{second}".encode(), key, _raw(signature)):
        raise TokenRefused("wrong signature")
    return payload


def _no_constant(_name: str) -> None:
    raise TokenRefused("not a token")  # NaN and its like are no JSON (RFC 8259 section 6)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TokenRefused("a key stands twice")
    return found


def _raw(text: str) -> bytes:
    """Base64url without padding (RFC 7515 section 2), in the one spelling that its bytes have."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenRefused("not a token") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode():
        raise TokenRefused("not a token")
    return raw


def _part(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_raw(text).decode(), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenRefused("not a token") from None
    if not isinstance(value, dict):
        raise TokenRefused("not a token")
    return value


class TokenReader:
    """Checks tokens for one worker and remembers those seen, so that none is used twice."""

    def __init__(self, key: bytes, worker_id: str) -> None:
        self._key = key
        self._worker_id = worker_id
        self._seen: OrderedDict[str, int] = OrderedDict()

    def read(self, token: str, now: int) -> TurnClaims:
        """The claims of a valid, fresh token. `now` in seconds since the epoch. Raises TokenRefused."""
        payload = open_token(token, self._key, _TYPE)
        return self._claims(payload, now)

    def _claims(self, payload: dict[str, Any], now: int) -> TurnClaims:
        if set(payload) != _CLAIMS or payload["iss"] != _ISSUER or payload["aud"] != self._worker_id:
            raise TokenRefused("wrong claims")
        issued, expires, token_id = payload["iat"], payload["exp"], payload["jti"]
        if type(issued) is not int or type(expires) is not int or type(token_id) is not str or not token_id:
            raise TokenRefused("wrong claims")
        if not issued - LIFETIME_S <= now < expires or expires - issued > LIFETIME_S:
            raise TokenRefused("expired")
        try:
            claims = TurnClaims(UUID(payload["sub"]), UUID(payload["agent"]), UUID(payload["request"]), token_id)
        except (ValueError, AttributeError, TypeError):
            raise TokenRefused("wrong claims") from None
        self._remember(token_id, expires, now)
        return claims

    def _remember(self, token_id: str, expires: int, now: int) -> None:
        while self._seen and next(iter(self._seen.values())) < now - LIFETIME_S:
            self._seen.popitem(last=False)
        if token_id in self._seen:
            raise TokenRefused("used already")
        self._seen[token_id] = expires
