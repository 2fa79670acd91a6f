"""Attacks on the worker link's token. Each is correctly signed and right in everything but its one defect.

The twin of each attack reads the same token with PyJWT as its manual shows it, or with a reader that lacks the one
guard, and gets in: so it is the guard that refuses, and not some mistake in the forged token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
import pytest

from aiox.runtime.tokens import TokenReader, TokenRefused

KEY = bytes(range(64))
WORKER = "worker-1"
NOW = 1_800_000_000
OWNER, OTHER = str(uuid4()), str(uuid4())
HEADER = {"alg": "HS256", "typ": "aiox-turn+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": "aiox-hub",
    "aud": WORKER,
    "sub": OWNER,
    "agent": str(uuid4()),
    "request": str(uuid4()),
    "jti": "once",
    "iat": NOW,
    "exp": NOW + 30,
}
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def piece(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: dict[str, Any], payload: str, key: bytes = KEY) -> str:
    text = f"{piece(json.dumps(header).encode())}.{piece(payload.encode())}"
    if header["alg"] == "none":
        return f"{text}."
    return f"{text}.{piece(hmac.new(key, text.encode(), HASHES[header['alg']]).digest())}"


def forged(header: dict[str, Any] | None = None, **claims: Any) -> str:
    return signed(HEADER | (header or {}), json.dumps(CLAIMS | claims))


def without(claim: str) -> str:
    return signed(HEADER, json.dumps({name: value for name, value in CLAIMS.items() if name != claim}))


TWICE = json.dumps(CLAIMS)[:-1] + f', "sub": "{OTHER}"}}'
LAX = {"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_iss": False, "verify_sub": False}


@dataclass(frozen=True, slots=True)
class Attack:
    token: str
    refusal: str
    algorithms: tuple[str, ...] = ("HS256",)
    verify: bool = True


ATTACKS = {
    "a key stands twice": Attack(signed(HEADER, TWICE), "twice"),
    "exp is a string": Attack(forged(exp=str(NOW + 30)), "wrong claims"),
    "exp is a fraction": Attack(forged(exp=NOW + 29.5), "wrong claims"),
    "exp is true": Attack(forged(exp=True), "wrong claims"),
    "iat is a string": Attack(forged(iat=str(NOW)), "wrong claims"),
    "alg none": Attack(forged({"alg": "none"}), "wrong header", ("none",), verify=False),
    "another algorithm, same key": Attack(forged({"alg": "HS512"}), "wrong header", ("HS256", "HS384", "HS512")),
    "a header field nobody asked for": Attack(forged({"jku": "https://attacker.example/keys"}), "wrong header"),
    "another type of token": Attack(forged({"typ": "at+jwt"}), "wrong header"),
    "expired": Attack(forged(iat=NOW - 60, exp=NOW - 30), "expired"),
    "expires this second": Attack(forged(iat=NOW - 30, exp=NOW), "expired"),
    "issued in the future": Attack(forged(iat=NOW + 31, exp=NOW + 61), "expired"),
    "lives too long": Attack(forged(exp=NOW + 3600), "expired"),
    "for another worker": Attack(forged(aud="worker-2"), "wrong claims"),
    "for several workers": Attack(forged(aud=[WORKER, "worker-2"]), "wrong claims"),
    "from another issuer": Attack(forged(iss="somebody"), "wrong claims"),
    "a claim nobody asked for": Attack(forged(admin=True), "wrong claims"),
    "no owner": Attack(without("sub"), "wrong claims"),
    "no expiry": Attack(without("exp"), "wrong claims"),
    "no id": Attack(without("jti"), "wrong claims"),
    "an empty id": Attack(forged(jti=""), "wrong claims"),
    "the owner is no uuid": Attack(forged(sub="somebody"), "wrong claims"),
    "the request is a list": Attack(forged(request=[]), "wrong claims"),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_refused(attack: Attack) -> None:
    with pytest.raises(TokenRefused, match=attack.refusal):
        TokenReader(KEY, WORKER).read(attack.token, NOW)


@pytest.mark.control
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_without_the_strict_reader_it_gets_in(attack: Attack) -> None:
    options: Any = LAX | {"verify_signature": attack.verify, "verify_jti": False}
    claims = jwt.decode(attack.token, KEY, algorithms=list(attack.algorithms), options=options)
    assert claims["agent"] == CLAIMS["agent"]


@pytest.mark.control
def test_the_forger_makes_good_tokens_when_nothing_is_changed() -> None:
    assert str(TokenReader(KEY, WORKER).read(forged(), NOW).owner) == OWNER


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(TokenRefused, match="wrong signature"):
        TokenReader(KEY, WORKER).read(signed(HEADER, json.dumps(CLAIMS), b"x" * 32), NOW)


@pytest.mark.control
def test_a_reader_of_that_key_takes_it() -> None:
    token = signed(HEADER, json.dumps(CLAIMS), b"x" * 32)
    assert str(TokenReader(b"x" * 32, WORKER).read(token, NOW).owner) == OWNER


def test_an_unknown_critical_extension_is_refused() -> None:
    with pytest.raises(TokenRefused, match="wrong header"):
        TokenReader(KEY, WORKER).read(forged({"crit": ["x-future"], "x-future": 1}), NOW)


@pytest.mark.control
def test_a_reader_that_skips_crit_takes_it() -> None:
    """PyJWT itself knows `crit`, so the guard is taken out by checking the signature by hand."""
    text, _, signature = forged({"crit": ["x-future"], "x-future": 1}).rpartition(".")
    assert piece(hmac.new(KEY, text.encode(), hashlib.sha256).digest()) == signature


def test_a_token_used_twice_is_refused() -> None:
    reader = TokenReader(KEY, WORKER)
    reader.read(forged(), NOW)
    with pytest.raises(TokenRefused, match="used already"):
        reader.read(forged(), NOW + 1)


def test_a_second_token_with_the_same_id_is_refused() -> None:
    reader = TokenReader(KEY, WORKER)
    reader.read(forged(), NOW)
    with pytest.raises(TokenRefused, match="used already"):
        reader.read(forged(sub=OTHER), NOW)


def test_an_id_is_remembered_as_long_as_its_token_lives() -> None:
    reader = TokenReader(KEY, WORKER)
    reader.read(forged(), NOW)
    for number in range(1, 30):
        reader.read(forged(jti=f"other-{number}", iat=NOW + number, exp=NOW + number + 30), NOW + number)
    with pytest.raises(TokenRefused, match="used already"):
        reader.read(forged(), NOW + 29)


@pytest.mark.control
def test_a_reader_without_memory_takes_it_twice() -> None:
    assert TokenReader(KEY, WORKER).read(forged(), NOW) == TokenReader(KEY, WORKER).read(forged(), NOW)


def test_a_refused_token_does_not_burn_its_id() -> None:
    """Else whoever can reach the port could block a request by guessing its id."""
    reader = TokenReader(KEY, WORKER)
    with pytest.raises(TokenRefused):
        reader.read(signed(HEADER, json.dumps(CLAIMS), b"x" * 32), NOW)
    assert reader.read(forged(), NOW).token_id == "once"


def test_a_refusal_says_nothing_of_the_content() -> None:
    for attack in ATTACKS.values():
        with pytest.raises(TokenRefused) as refused:
            TokenReader(KEY, WORKER).read(attack.token, NOW)
        assert OWNER not in str(refused.value)
        assert refused.value.__cause__ is None
