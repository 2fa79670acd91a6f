"""Links that open one file for some time, to whoever has them: signed, so that none can be made up or guessed.

A token is the base64url of `version (1 byte) | owner (16) | record (16) | end, seconds since the epoch (4) |
HMAC-SHA256 over all before (32)`. It says whose record it is, and nothing of what is in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.kernel.ids import OwnerId

_VERSION: Final = b"\x01"
_MAC: Final = 32
KEY_BYTES: Final = 32
_LENGTH: Final = 1 + 16 + 16 + 4 + _MAC
CHARACTERS: Final = 92
"""Of a token."""


@dataclass(frozen=True, slots=True)
class FileLink:
    """What a link opens, and until when, in seconds since the epoch."""

    owner: OwnerId
    record: UUID
    ends_at: int


def signed(key: bytes, link: FileLink) -> str:
    """The token. Raises ValueError for a key that anybody could have."""
    if len(key) < KEY_BYTES:
        raise ValueError("the key of file links is too short")
    told = _VERSION + link.owner.bytes + link.record.bytes + link.ends_at.to_bytes(4)
    return base64.urlsafe_b64encode(told + _mac(key, told)).rstrip(b"=").decode()


def opened(key: bytes, token: str, now: int) -> FileLink | None:
    """What a token opens; None for one that is not ours, was changed, or has ended."""
    if len(key) < KEY_BYTES or len(token) != CHARACTERS or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    told, mac = raw[:-_MAC], raw[-_MAC:]
    if len(raw) != _LENGTH or told[:1] != _VERSION or not hmac.compare_digest(mac, _mac(key, told)):
        return None
    link = FileLink(OwnerId(UUID(bytes=told[1:17])), UUID(bytes=told[17:33]), int.from_bytes(told[33:37]))
    return link if now < link.ends_at else None


def _mac(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, b"aiox file link\0" + told, hashlib.sha256)
