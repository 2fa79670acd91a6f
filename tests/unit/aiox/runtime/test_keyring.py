"""What was sealed opens in its place, under current and old keys; rings are read strictly."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.runtime.keyring import (
    CannotOpen,
    KeyRing,
    LiveKeyRing,
    Place,
    UnknownKey,
    key_id,
    parse_keys,
    render_keys,
)

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


@pytest.mark.parametrize(
    "text", ["", "1", "1:zz", f"x:{NEW.hex()}", "1:00ff", f"0:{NEW.hex()}", f"1:{NEW.hex()}\n1:{OLD.hex()}"]
)
def test_refuses_a_ring_that_is_not_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- int(), fromhex() and the ring each have their own words
        KeyRing.parse(text)


def test_a_refusal_does_not_quote_the_ring() -> None:
    with pytest.raises(ValueError, match="not an id and a key") as refused:
        KeyRing.parse(NEW.hex() + ":" + NEW.hex())
    assert refused.value.__cause__ is None
    assert NEW.hex() not in str(refused.value)


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
    ring = KeyRing({1: OLD}, 1)
    with pytest.raises(CannotOpen):
        ring.open(bytes(size), PLACE)


@pytest.mark.parametrize("plain", [b"a text that nobody has sealed, of some length", b"\x0a\x10" + bytes(40)])
def test_what_was_not_sealed_has_no_key(plain: bytes) -> None:
    with pytest.raises(CannotOpen, match="not a ciphertext"):
        key_id(plain)


def test_resealing_moves_a_text_to_the_current_key_and_leaves_what_is_there() -> None:
    ring = KeyRing({1: OLD, 2: NEW}, 2)
    moved = ring.reseal(KeyRing({1: OLD}, 1).seal(b"kept", PLACE), PLACE)
    assert (key_id(moved), ring.open(moved, PLACE)) == (2, b"kept")
    assert ring.reseal(moved, PLACE) is moved


def test_a_rings_text_can_be_written_and_read() -> None:
    keys = {1: OLD, 2: NEW, 3: b"t" * 32}
    text = render_keys(keys, 2)
    assert parse_keys(text) == keys
    assert [line.split(":")[0] for line in text.split()] == ["2", "3", "1"]


class RingFile:
    """A ring's text that changes under its readers."""

    def __init__(self, text: str) -> None:
        self.text, self.version, self.reads = text, 0, 0

    def write(self, text: str) -> None:
        self.text, self.version = text, self.version + 1

    def read(self) -> str:
        self.reads += 1
        return self.text

    def ring(self) -> LiveKeyRing:
        return LiveKeyRing(self.read, lambda: self.version)


def test_a_live_ring_seals_under_the_key_that_became_current() -> None:
    file = RingFile(render_keys({1: OLD}, 1))
    ring = file.ring()
    assert key_id(ring.seal(b"", PLACE)) == 1
    file.write(render_keys({1: OLD, 2: NEW}, 2))
    assert key_id(ring.seal(b"", PLACE)) == 2
    assert ring.current == 2


def test_a_live_ring_opens_what_another_process_sealed_under_a_newer_key() -> None:
    file = RingFile(render_keys({1: OLD}, 1))
    ring = file.ring()
    file.write(render_keys({1: OLD, 2: NEW}, 2))
    assert ring.open(KeyRing({2: NEW}, 2).seal(b"new", PLACE), PLACE) == b"new"


def test_a_live_ring_reads_its_file_only_when_it_changed() -> None:
    file = RingFile(render_keys({1: OLD}, 1))
    ring = file.ring()
    for _ in range(3):
        ring.seal(b"", PLACE)
        with pytest.raises(UnknownKey):
            ring.open(KeyRing({2: NEW}, 2).seal(b"new", PLACE), PLACE)
    assert file.reads == 1


def test_a_live_ring_stays_as_it_was_when_its_file_is_damaged() -> None:
    file = RingFile(render_keys({1: OLD}, 1))
    ring = file.ring()
    sealed = ring.seal(b"kept", PLACE)
    file.write("nonsense")
    with pytest.raises(ValueError, match="not an id and a key"):
        ring.seal(b"", PLACE)
    assert ring.open(sealed, PLACE) == b"kept"
