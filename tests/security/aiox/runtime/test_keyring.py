"""Attacks on ciphertexts at rest: moved to another place, changed by one bit, under a key that is not on the ring."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aiox.runtime.keyring import CannotOpen, KeyRing, Place

KEY = bytes(range(32))
RING = KeyRing({1: KEY}, 1)
PLACE = Place(uuid4(), "executions", "input", uuid4())
PLAIN = b"what the owner said"

MOVED = {
    "to another owner": replace(PLACE, owner=uuid4()),
    "to another table": replace(PLACE, table="agents"),
    "to another column": replace(PLACE, column="output"),
    "to another record": replace(PLACE, record=uuid4()),
}


@pytest.mark.parametrize("place", MOVED.values(), ids=list(MOVED))
def test_moved(place: Place) -> None:
    with pytest.raises(CannotOpen):
        RING.open(RING.seal(PLAIN, PLACE), place)


@pytest.mark.control
@pytest.mark.parametrize("place", MOVED.values(), ids=list(MOVED))
def test_moved_opens_when_nothing_binds_it_to_its_place(place: Place) -> None:
    sealed = AESGCM(KEY).encrypt(b"n" * 12, PLAIN, None)
    assert place != PLACE
    assert AESGCM(KEY).decrypt(b"n" * 12, sealed, None) == PLAIN


def test_each_changed_bit_is_noticed() -> None:
    sealed = RING.seal(PLAIN, PLACE)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CannotOpen):
            RING.open(bytes(changed), PLACE)


@pytest.mark.control
def test_unchanged_it_opens() -> None:
    assert RING.open(RING.seal(PLAIN, PLACE), PLACE) == PLAIN


def test_cut_short() -> None:
    sealed = RING.seal(PLAIN, PLACE)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            RING.open(sealed[:length], PLACE)


def test_under_a_key_that_is_not_on_the_ring() -> None:
    with pytest.raises(CannotOpen, match="no such key"):
        RING.open(KeyRing({2: KEY}, 2).seal(PLAIN, PLACE), PLACE)


def test_under_another_key_of_the_same_number() -> None:
    with pytest.raises(CannotOpen):
        RING.open(KeyRing({1: b"x" * 32}, 1).seal(PLAIN, PLACE), PLACE)


@pytest.mark.control
def test_opens_once_the_key_is_on_the_ring() -> None:
    ring = KeyRing({1: KEY, 2: b"x" * 32}, 1)
    assert ring.open(KeyRing({2: b"x" * 32}, 2).seal(PLAIN, PLACE), PLACE) == PLAIN


def test_a_data_key_wrapped_for_another_tenant() -> None:
    tenant, other = uuid4(), uuid4()
    with pytest.raises(CannotOpen):
        RING.tenant_ring(other, {1: RING.new_data_key(tenant)}, 1)


@pytest.mark.control
def test_a_data_key_for_its_own_tenant() -> None:
    tenant = uuid4()
    ring = RING.tenant_ring(tenant, {1: RING.new_data_key(tenant)}, 1)
    assert ring.open(ring.seal(PLAIN, PLACE), PLACE) == PLAIN


def test_one_tenants_ring_does_not_open_anothers_text() -> None:
    rings = [RING.tenant_ring(tenant, {1: RING.new_data_key(tenant)}, 1) for tenant in (uuid4(), uuid4())]
    with pytest.raises(CannotOpen):
        rings[1].open(rings[0].seal(PLAIN, PLACE), PLACE)


def test_a_refusal_says_nothing_of_the_content() -> None:
    with pytest.raises(CannotOpen) as refused:
        RING.open(RING.seal(PLAIN, PLACE), MOVED["to another owner"])
    assert refused.value.__cause__ is None
    assert PLAIN.decode() not in str(refused.value)
