"""AES-256-GCM with additional data, under a ring of keys (SPEC 5).

A ciphertext is `key id (4 bytes) | nonce (12) | ciphertext and tag`. The additional data names owner, table, column and
record, so that a ciphertext moved elsewhere does not open. One data key per tenant is wrapped by the hub's key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_ID = 4


class CannotOpen(Exception):
    """The ciphertext is damaged, belongs elsewhere, or its key is not on the ring. Says nothing of the content."""


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


class KeyRing:
    """The current key and the old ones. Keys are 32 bytes; ids are 0..2^32-1."""

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        if current not in keys:
            raise ValueError("the current key is not on the ring")
        if any(len(key) != 32 for key in keys.values()):
            raise ValueError("keys are 32 bytes")
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._current = current

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Reads `id:hex` lines, the current key first. Raises ValueError."""
        pairs = [line.split(":", 1) for line in text.split()]
        if not pairs:
            raise ValueError("an empty key ring")
        return cls({int(number): bytes.fromhex(key) for number, key in pairs}, int(pairs[0][0]))

    def seal(self, plain: bytes, place: Place) -> bytes:
        """Encrypts under the current key, bound to `place`."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, place.additional_data())
        return self._current.to_bytes(_ID) + nonce + sealed

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Decrypts. Raises CannotOpen for a wrong place, a changed byte or an unknown key."""
        cipher = self._ciphers.get(int.from_bytes(sealed[:_ID]))
        if cipher is None or len(sealed) < _ID + _NONCE + 16:
            raise CannotOpen("no such key on the ring")
        try:
            return cipher.decrypt(sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :], place.additional_data())
        except InvalidTag:
            raise CannotOpen("this ciphertext does not belong here, or was changed") from None

    def new_data_key(self, tenant: UUID) -> bytes:
        """A fresh data key for a tenant, wrapped by the current key."""
        return self.seal(os.urandom(32), Place(tenant, "tenant_keys", "wrapped", tenant))

    def tenant_ring(self, tenant: UUID, wrapped: Mapping[int, bytes], current: int) -> KeyRing:
        """The tenant's own ring, unwrapped. Raises CannotOpen."""
        place = Place(tenant, "tenant_keys", "wrapped", tenant)
        return KeyRing({number: self.open(key, place) for number, key in wrapped.items()}, current)
