"""Avatars: small images, recognised by their first bytes, given as `data:` URIs (RFC 2397)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 64 * 1024
MAX_URI_CHARACTERS: Final = 4 * (MAX_BYTES // 3 + 1) + len("data:image/jpeg;base64,")

_URI: Final = re.compile(r"data:(image/(?:png|jpeg|webp));base64,([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class Image:
    """An image whose bytes are what `media_type` says: PNG, JPEG or WebP, at most 64 KiB."""

    media_type: str
    data: bytes

    @property
    def ref(self) -> str:
        """The name under which a profile points to it: `sha256:<hex>`."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


def read_data_uri(text: str) -> Image:
    """The image in a `data:` URI. Raises ValueError that says what is wrong with it."""
    found = _URI.fullmatch(text)
    if found is None:
        raise ValueError("an avatar is a data: URI with a PNG, JPEG or WebP image in base64")
    try:
        data = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        raise ValueError("the avatar's base64 is damaged") from None
    if len(data) > MAX_BYTES:
        raise ValueError("an avatar is at most 64 KiB")
    if media_type_of(data) != found[1]:
        raise ValueError("the avatar's bytes are not the image that its media type says")
    return Image(found[1], data)


def media_type_of(data: bytes) -> str:
    """What the first bytes say; empty for anything but PNG, JPEG and WebP."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return ""
