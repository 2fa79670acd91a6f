"""Access tokens that are right in all but one thing, most of them signed with the hub's own key: none is accepted.

500 come from a catalogue of defects, each another one and each signed; 500 more are drawn at random.

The twin is a reader that checks the signature by the header's own algorithm and believes what it then reads. It accepts
them: so it is the strict reader that refuses, and not a mistake in the forgery.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from typing import Any

import pytest

from aiox.runtime.tokens import TokenRefused
from gateway.auth import AccessTokens
from setup.prove import note
from tests.security.gateway.defects import BROKEN, defects
from tests.security.gateway.forge import CLAIMS, KEY, NOW, Forgery, forgeries, good

COUNT = 500
SEED = 4
HASHES = {"hs384": hashlib.sha384, "hs512": hashlib.sha512}


def accepted(forged: list[Forgery]) -> list[str]:
    tokens, through = AccessTokens(KEY), []
    for forgery in forged:
        try:
            tokens.read(forgery.token, NOW)
        except TokenRefused:
            continue
        through.append(forgery.defect)
    return through


def unpack(text: str) -> bytes:
    """As lenient as many a library: what is no base64 is skipped."""
    return base64.b64decode(text.strip() + "===", altchars=b"-_")


def lax(token: str, *, verify: bool = True) -> Any:
    """The claims of a token, if only the signature fits."""
    text, _, signature = token.strip().rstrip(".").rpartition(".")
    header = json.loads(unpack(text.lstrip(".").partition(".")[0]))
    algorithm = str(header.get("alg", "")).strip().lower()
    if algorithm == "none":
        text = token.rstrip(".")
    elif verify:
        digest = hmac.new(KEY, text.encode(), HASHES.get(algorithm, hashlib.sha256)).digest()
        assert hmac.compare_digest(digest, unpack(signature)), "wrong signature"
    return json.loads(unpack(text.strip(".").rpartition(".")[2]))


def test_of_five_hundred_different_defects_none_is_accepted() -> None:
    catalogue = defects()
    assert len({one.defect for one in catalogue}) == len({one.token for one in catalogue}) == len(catalogue) >= COUNT
    assert all(one.signed for one in catalogue)
    assert accepted(catalogue) == []


@pytest.mark.control
def test_a_reader_of_signatures_alone_accepts_the_catalogue() -> None:
    """But for what is no object at all."""
    refused = [one.defect for one in defects() if not taken_by_the_lax(one)]
    assert len(refused) < 2 * len(BROKEN), refused


def test_none_is_accepted() -> None:
    forged = forgeries(SEED, COUNT)
    assert len({one.token for one in forged}) == COUNT
    assert accepted(forged) == []


def taken_by_the_lax(forgery: Forgery) -> bool:
    try:
        lax(forgery.token)
    except (ValueError, AssertionError, AttributeError, RecursionError):
        return False
    return True


@pytest.mark.control
def test_the_unchanged_token_is_accepted() -> None:
    assert str(AccessTokens(KEY).read(good(), NOW).owner) == CLAIMS["sub"]


@pytest.mark.control
def test_a_reader_of_signatures_alone_accepts_what_is_signed() -> None:
    forged = [one for one in forgeries(SEED, COUNT) if one.signed]
    assert len(forged) > COUNT * 3 // 4
    refused = [one.defect for one in forged if not taken_by_the_lax(one)]
    # What no reader can take: half a payload, or bytes that are no JSON.
    assert len(refused) <= 12, refused


@pytest.mark.control
def test_a_reader_without_signatures_accepts_the_rest() -> None:
    rest = [one for one in forgeries(SEED, COUNT) if not one.signed]
    assert rest
    assert all(set(lax(one.token, verify=False)) == set(CLAIMS) for one in rest)


@pytest.mark.prove
def test_none_of_fifty_thousand_is_accepted() -> None:
    seed = int.from_bytes(os.urandom(4))
    forged = forgeries(seed, 50_000)
    assert accepted(forged) == [], seed
    note(f"tokens with one defect: {len(forged):,} shown, 0 accepted")
