"""AES-256-GCM with additional data, under a ring of keys (SPEC 5).

A ciphertext is `version 0 (1 byte) | key id (3) | nonce (12) | ciphertext and tag`. No text, JSON or protobuf begins
with a zero byte, so the database can refuse what was not sealed (`is_sealed` in registry/migrations/guard.py). The
additional data names owner, table, column and record, so that a ciphertext moved elsewhere does not open. One data key
per tenant is wrapped by the hub's key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LARGEST_ID: Final = (1 << 24) - 1
_NONCE: Final = 12
_ID: Final = 4
_KEY: Final = 32
_SHORTEST: Final = _ID + _NONCE + 16


class CannotOpen(Exception):
    """The ciphertext is damaged, belongs elsewhere, or its key is not on the ring. Says nothing of the content."""


class UnknownKey(CannotOpen):
    """Its key is not on this ring: the ring is older than the ciphertext, or the key was retired."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext belongs."""

    owner: UUID
    table: str
    column: str
    record: UUID

    def additional_data(self) -> bytes:
        """The bytes that bind a ciphertext to this place."""
        return "\x1f".join((str(self.owner), self.table, self.column, str(self.record))).encode()


def key_id(sealed: bytes) -> int:
    """The id of the key that a ciphertext was sealed with. Raises CannotOpen for what is none."""
    if len(sealed) < _SHORTEST or sealed[0] != 0:
        raise CannotOpen("this is not a ciphertext")
    return int.from_bytes(sealed[:_ID])


class KeyRing:
    """The current key and the old ones. Keys are 32 bytes; ids are 1..2^24-1."""

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        if current not in keys:
            raise ValueError("the current key is not on the ring")
        if any(len(key) != _KEY for key in keys.values()):
            raise ValueError("keys are 32 bytes")
        if not all(0 < number <= LARGEST_ID for number in keys):
            raise ValueError(f"ids of keys are 1 to {LARGEST_ID}")
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._current = current

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Reads `id:hex` lines, the current key first. Raises ValueError."""
        keys = parse_keys(text)
        return cls(keys, next(iter(keys)))

    @property
    def current(self) -> int:
        """The id of the key that seals."""
        return self._current

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of all keys, in ascending order."""
        return tuple(sorted(self._ciphers))

    def seal(self, plain: bytes, place: Place) -> bytes:
        """Encrypts under the current key, bound to `place`."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, place.additional_data())
        return self._current.to_bytes(_ID) + nonce + sealed

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Decrypts. Raises UnknownKey, and CannotOpen for a wrong place or a changed byte."""
        cipher = self._ciphers.get(key_id(sealed))
        if cipher is None:
            raise UnknownKey("no such key on the ring")
        try:
            return cipher.decrypt(sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :], place.additional_data())
        except InvalidTag:
            raise CannotOpen("this ciphertext does not belong here, or was changed") from None

    def reseal(self, sealed: bytes, place: Place) -> bytes:
        """The same text under the current key; what is under it already is returned as it is. Raises CannotOpen."""
        if key_id(sealed) == self.current:
            return sealed
        return self.seal(self.open(sealed, place), place)

    def new_data_key(self, tenant: UUID) -> bytes:
        """A fresh data key for a tenant, wrapped by the current key."""
        return self.seal(os.urandom(_KEY), wrapped_place(tenant))

    def tenant_ring(self, tenant: UUID, wrapped: Mapping[int, bytes], current: int) -> KeyRing:
        """The tenant's own ring, unwrapped. Raises CannotOpen."""
        place = wrapped_place(tenant)
        return KeyRing({number: self.open(key, place) for number, key in wrapped.items()}, current)


class RingSource(Protocol):
    """Where rings are kept: aiox.runtime.secrets.Secrets."""

    def read(self, name: str) -> str:
        """The text of a ring."""

    def stamp(self, name: str) -> Hashable:
        """Changes whenever the text does, and costs little."""


class LiveKeyRing(KeyRing):
    """The hub's ring while its file may change: read again before it seals, and when a ciphertext names a newer key.

    `read` gives the ring's text; `stamp` changes whenever the text does and costs little.
    """

    def __init__(self, read: Callable[[], str], stamp: Callable[[], Hashable]) -> None:
        self._read = read
        self._stamp = stamp
        self._known = stamp()
        keys = parse_keys(read())
        super().__init__(keys, next(iter(keys)))

    @classmethod
    def of(cls, source: RingSource, name: str = "keyring") -> LiveKeyRing:
        """The ring that a service keeps among its secrets. Raises what reading raises, and ValueError."""
        return cls(partial(source.read, name), partial(source.stamp, name))

    @property
    def current(self) -> int:
        """The id of the key that seals, as the file says now."""
        self.refresh()
        return self._current

    def seal(self, plain: bytes, place: Place) -> bytes:
        """As KeyRing.seal, under the key that is current now. Raises ValueError for a damaged ring."""
        self.refresh()
        return super().seal(plain, place)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """As KeyRing.open; reads the ring again before it gives a key up."""
        try:
            return super().open(sealed, place)
        except UnknownKey:
            if not self.refresh():
                raise
            return super().open(sealed, place)

    def refresh(self) -> bool:
        """Reads the ring again when it changed, and says whether it did. Raises ValueError for a damaged ring."""
        stamp = self._stamp()
        if stamp == self._known:
            return False
        fresh = KeyRing.parse(self._read())
        self._ciphers, self._current, self._known = fresh._ciphers, fresh._current, stamp
        return True


def parse_keys(text: str) -> dict[int, bytes]:
    """The keys of a ring's text, `id:hex` lines, the current one first. Raises ValueError, which quotes nothing."""
    pairs = [line.split(":", 1) for line in text.split()]
    if not pairs:
        raise ValueError("an empty key ring")
    try:
        keys = {int(number): bytes.fromhex(key) for number, key in pairs}
    except ValueError:
        raise ValueError("a line of the key ring is not an id and a key in hex") from None
    if len(keys) != len(pairs):
        raise ValueError("a key's id stands twice on the ring")
    return keys


def render_keys(keys: Mapping[int, bytes], current: int) -> str:
    """The text that `parse_keys` reads: the current key first, then the others, newest first."""
    others = sorted((number for number in keys if number != current), reverse=True)
    return "".join(f"{number}:{keys[number].hex()}\n" for number in (current, *others))


def wrapped_place(tenant: UUID) -> Place:
    """Where a tenant's wrapped data keys belong."""
    return Place(tenant, "tenant_keys", "wrapped", tenant)
