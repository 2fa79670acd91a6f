"""What was sealed opens in its place, under current and old keys; rings are read strictly."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.runtime.keyring import CannotOpen, KeyRing, Place

PLACE = Place(uuid4(), "agents", "system_prompt", uuid4())
OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=2000), st.text(max_size=40), st.text(max_size=40))
def test_opens_what_was_sealed(plain: bytes, table: str, column: str) -> None:
    place = Place(uuid4(), table, column, uuid4())
    ring = KeyRing({7: NEW}, 7)
    assert ring.open(ring.seal(plain, place), place) == plain


def test_a_nonce_is_never_used_twice() -> None:
    ring = KeyRing({1: NEW}, 1)
    assert len({ring.seal(b"same", PLACE)[4:16] for _ in range(1000)}) == 1000


def test_old_ciphertexts_open_after_a_rotation_and_new_ones_use_the_new_key() -> None:
    before = KeyRing({1: OLD}, 1).seal(b"kept", PLACE)
    ring = KeyRing({1: OLD, 2: NEW}, 2)
    assert ring.open(before, PLACE) == b"kept"
    assert KeyRing({2: NEW}, 2).open(ring.seal(b"fresh", PLACE), PLACE) == b"fresh"


def test_reads_a_ring_with_the_current_key_first() -> None:
    ring = KeyRing.parse(f"2:{NEW.hex()}\n1:{OLD.hex()}\n")
    assert ring.seal(b"", PLACE)[:4] == (2).to_bytes(4)
    assert ring.open(KeyRing({1: OLD}, 1).seal(b"kept", PLACE), PLACE) == b"kept"


@pytest.mark.parametrize("text", ["", "1", "1:zz", f"x:{NEW.hex()}", "1:00ff"])
def test_refuses_a_ring_that_is_not_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- int(), fromhex() and the ring each have their own words
        KeyRing.parse(text)


def test_refuses_a_current_key_that_is_not_on_the_ring() -> None:
    with pytest.raises(ValueError, match="not on the ring"):
        KeyRing({1: OLD}, 2)


def test_a_tenants_ring_comes_from_its_wrapped_keys() -> None:
    hub, tenant = KeyRing({1: OLD}, 1), uuid4()
    wrapped = {1: hub.new_data_key(tenant), 2: hub.new_data_key(tenant)}
    assert wrapped[1] != wrapped[2]
    sealed = hub.tenant_ring(tenant, wrapped, 1).seal(b"text", PLACE)
    assert hub.tenant_ring(tenant, wrapped, 2).open(sealed, PLACE) == b"text"


@pytest.mark.parametrize("size", [0, 3, 4, 15, 31])
def test_what_is_too_short_cannot_be_opened(size: int) -> None:
    ring = KeyRing({0: OLD}, 0)
    with pytest.raises(CannotOpen):
        ring.open(bytes(size), PLACE)
