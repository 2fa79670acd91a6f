"""Avatars are what their first bytes say, and small."""

from __future__ import annotations

import base64
import hashlib

import pytest

from aiox.kernel.avatar import MAX_BYTES, MAX_URI_CHARACTERS, media_type_of, read_data_uri

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0dIHDR" + bytes(30)
JPEG = b"\xff\xd8\xff\xe0" + bytes(30)
WEBP = b"RIFF\x10\x00\x00\x00WEBP" + bytes(30)


def uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")],
    ids=["png", "jpeg", "webp"],
)
def test_images_are_read(data: bytes, media_type: str) -> None:
    image = read_data_uri(uri(data, media_type))
    assert (image.media_type, image.data) == (media_type, data)
    assert image.ref == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_the_largest_fits_and_one_byte_more_does_not() -> None:
    largest = PNG + bytes(MAX_BYTES - len(PNG))
    assert len(uri(largest, "image/jpeg")) <= MAX_URI_CHARACTERS
    assert len(read_data_uri(uri(largest, "image/png")).data) == MAX_BYTES
    with pytest.raises(ValueError, match="64 KiB"):
        read_data_uri(uri(largest + b"\x00", "image/png"))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "http://example.org/a.png",
        uri(PNG, "image/svg+xml"),
        uri(PNG, "image/jpeg"),
        uri(b"<svg onload=alert(1)>", "image/png"),
        uri(b"", "image/png"),
        "data:image/png;base64,A",
        "data:image/png;base64,AA\n==",
        uri(PNG, "image/png") + ";x",
    ],
)
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="avatar"):
        read_data_uri(given)


def test_unknown_bytes_are_no_image() -> None:
    assert media_type_of(b"GIF89a" + bytes(20)) == ""
