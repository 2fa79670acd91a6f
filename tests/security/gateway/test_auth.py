"""Access tokens: only the exact form opens the door."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import jwt
import pytest

from aiox.kernel.ids import OwnerId
from aiox.runtime.tokens import TokenRefused, seal_token
from gateway.auth import LIFETIME_S, REMEMBERED, Access, AccessTokens

KEY = b"k" * 32
NOW = 1_800_000_000
WHO = Access(OwnerId(UUID(int=7)), UUID(int=9))
TOKENS = AccessTokens(KEY)


def claims(**changes: Any) -> dict[str, Any]:
    good = {
        "iss": "aiox-hub",
        "aud": "aiox-api",
        "sub": str(WHO.owner),
        "sid": str(WHO.session),
        "jti": "1",
        "iat": NOW,
        "exp": NOW + LIFETIME_S,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: str, header: str = '{"alg":"HS256","typ":"aiox-access+jwt"}') -> str:
    parts = [base64.urlsafe_b64encode(text.encode()).rstrip(b"=") for text in (header, payload)]
    message = b".".join(parts)
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(message, KEY)
    return b".".join((message, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


@pytest.mark.control
def test_the_good_token_opens() -> None:
    assert TOKENS.read(TOKENS.mint(WHO, "1", NOW), NOW + 10) == WHO
    assert TOKENS.read(signed(json.dumps(claims())), NOW) == WHO


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"aud": "aiox-web"},
        {"aud": ["aiox-api"]},
        {"aud": ["aiox-api", "other"]},
        {"sub": "7"},
        {"sub": 7},
        {"sub": None},
        {"sid": ""},
        {"sid": None},
        {"sid": 9},
        {"sub": "{00000000-0000-0000-0000-000000000007}"},
        {"sub": "00000000000000000000000000000007"},
        {"jid": "ada@localhost"},
        {"jti": ""},
        {"jti": 1},
        {"exp": str(NOW + LIFETIME_S)},
        {"exp": float(NOW + LIFETIME_S)},
        {"exp": True},
        {"exp": None},
        {"exp": NOW},
        {"exp": NOW + LIFETIME_S + 1},
        {"iat": NOW + 60, "exp": NOW + 120},
        {"iat": str(NOW)},
        {"admin": True},
        {"nbf": NOW},
    ],
)
def test_other_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(signed(json.dumps(claims(**changes))), NOW)


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"none","typ":"aiox-access+jwt"}',
        '{"alg":"HS512","typ":"aiox-access+jwt"}',
        '{"alg":"HS256","typ":"aiox-turn+jwt"}',
        '{"alg":"HS256"}',
        '{"alg":"HS256","typ":"aiox-access+jwt","kid":"1"}',
        '{"alg":"HS256","alg":"HS256","typ":"aiox-access+jwt"}',
    ],
)
def test_other_headers_are_refused(header: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(signed(json.dumps(claims()), header), NOW)


def test_a_key_that_stands_twice_is_refused() -> None:
    doubled = json.dumps(claims())[:-1] + f', "sub": "{UUID(int=8)}"}}'
    with pytest.raises(TokenRefused):
        TOKENS.read(signed(doubled), NOW)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "....", "é.é.é", "x" * 5000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(token, NOW)


def test_another_key_is_refused() -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(AccessTokens(b"o" * 32).mint(WHO, "1", NOW), NOW)


def test_a_worker_token_under_the_same_key_is_refused() -> None:
    with pytest.raises(TokenRefused):
        TOKENS.read(seal_token(claims(), KEY, "aiox-turn+jwt"), NOW)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AccessTokens(b"short")


def test_a_token_that_was_good_is_judged_by_its_times_again() -> None:
    tokens = AccessTokens(KEY)
    token = tokens.mint(WHO, "1", NOW)
    assert tokens.read(token, NOW) == tokens.read(token, NOW + LIFETIME_S - 1) == WHO
    for late in (NOW + LIFETIME_S, NOW + 10 * LIFETIME_S, NOW - 10):
        with pytest.raises(TokenRefused, match="expired"):
            tokens.read(token, late)


def test_a_token_that_was_good_opens_nothing_for_its_neighbours() -> None:
    tokens = AccessTokens(KEY)
    token = tokens.mint(WHO, "1", NOW)
    tokens.read(token, NOW)
    for other in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "=", f" {token}", token[:-1], "\ud800"):
        with pytest.raises(TokenRefused):
            tokens.read(other, NOW)


def test_only_so_many_good_tokens_are_remembered() -> None:
    tokens = AccessTokens(KEY)
    for number in range(REMEMBERED + 10):
        tokens.read(tokens.mint(WHO, str(number), NOW), NOW)
    assert len(tokens._known) == REMEMBERED
