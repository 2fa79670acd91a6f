"""Files of any size, encrypted piece by piece: AES-256-GCM in the STREAM construction (Hoang and others, 2015).

A sealed file is `version 1 (1 byte) | prefix (7) | frames`; each frame is a ciphertext of 64 KiB of the file with its
tag. A frame's nonce is the prefix, its number and whether it is the last: none can be left out, moved, or cut off.
Each file has a key of its own, which its row keeps sealed with the tenant's.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aiox.runtime.keyring import CannotOpen, Place

KEY_BYTES: Final = 32
FRAME: Final = 1 << 16
_VERSION: Final = b"\x01"
_PREFIX: Final = 7
_TAG: Final = 16
_LAST: Final = b"\x01"
_MORE: Final = b"\x00"


def new_key() -> bytes:
    """A key for one file, never for two."""
    return os.urandom(KEY_BYTES)


async def sealed(key: bytes, place: Place, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file's pieces, of whatever size, encrypted and bound to `place`. Holds at most two frames in memory."""
    prefix = os.urandom(_PREFIX)
    yield _VERSION + prefix
    cipher, data = AESGCM(key), place.additional_data()
    number = 0
    async for frame, last in _frames(pieces, FRAME):
        yield cipher.encrypt(_nonce(prefix, number, last=last), frame, data)
        number += 1


async def opened(key: bytes, place: Place, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file again. Raises CannotOpen: cut off, changed, or of another place. What came before that was whole."""
    head, rest = await _head(pieces)
    if len(head) != 1 + _PREFIX or head[:1] != _VERSION:
        raise CannotOpen("this is not a sealed file")
    cipher, data = AESGCM(key), place.additional_data()
    number = 0
    async for frame, last in _frames(rest, FRAME + _TAG):
        try:
            yield cipher.decrypt(_nonce(head[1:], number, last=last), frame, data)
        except InvalidTag:
            raise CannotOpen("this sealed file does not belong here, or was changed") from None
        number += 1


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4) + (_LAST if last else _MORE)


async def _frames(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Frames of `size` bytes, and whether each is the last one, which alone may be shorter, or empty."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) > size:
            yield bytes(waiting[:size]), False
            del waiting[:size]
    yield bytes(waiting), True


async def _head(pieces: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes, and an iterator of what follows them."""
    begun = bytearray()
    async for piece in pieces:
        begun += piece
        if len(begun) >= 1 + _PREFIX:
            break

    async def rest() -> AsyncIterator[bytes]:
        yield bytes(begun[1 + _PREFIX :])
        async for piece in pieces:
            yield piece

    return bytes(begun[: 1 + _PREFIX]), rest()
