"""Opaque tokens: `<owner>.<secret>`, 256 random bits, of which the hub keeps a digest only.

The owner stands in the clear, so that the digest is looked for among this owner's rows and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_BYTES: Final = 32
_LENGTH: Final = 43
"""Of 32 bytes in base64url without padding."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A token as its bearer holds it, and what is stored of it."""

    text: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that somebody shows: whom it claims to belong to, and its digest. Nothing of it is proved yet."""

    owner: UUID
    digest: bytes


def new(owner: UUID) -> Opaque:
    """A fresh token for this owner."""
    text = f"{_encode(owner.bytes)}.{_encode(secrets.token_bytes(_BYTES))}"
    return Opaque(text, _digest(text))


def read(text: str) -> Presented | None:
    """What a token claims; None for what is no token of ours."""
    owner, dot, secret = text.partition(".")
    if not dot or len(secret) != _LENGTH:
        return None
    try:
        raw = base64.b64decode(owner + "==", altchars=b"-_", validate=True)
        claimed = UUID(bytes=raw)
    except (binascii.Error, ValueError):
        return None
    return Presented(claimed, _digest(text))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
